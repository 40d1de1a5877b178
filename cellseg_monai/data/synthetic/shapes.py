"""Outlines of objects, and the pixels that they cover.

Thousands of objects are drawn at once. An outline is a table of radii over the angle, and each object is
looked up in a small box around its centre, so the cost grows with the pixels of the objects and not with
their number times the image.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.image import Size
from cellseg_monai.data.synthetic.placement import Points
from cellseg_monai.label_maps import LabelMap, connected_components, relabel

Numbers = npt.NDArray[np.float64]
Radii = npt.NDArray[np.float32]
Height = npt.NDArray[np.float32]
"""How thick an object is at each pixel: 1 in its middle, nearly 0 at its rim, 0 outside."""

_ANGLES = 256
_THETA = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False, dtype=np.float32)
_PIXELS_PER_TASK = 1 << 18
_LEAST_VISIBLE = 0.15
_RIM = 0.02


class Outlines(NamedTuple):
    """Star-shaped outlines, bent and turned.

    Attributes:
        centres: row and column of each object.
        radii: (objects, 256), the radius over a full turn, in pixels.
        angles: by how much each is turned, in radians.
        bends: curvature of the long axis, one over pixels; 0 for straight.
    """

    centres: Points
    radii: Radii
    angles: Numbers
    bends: Numbers

    @property
    def areas(self) -> Numbers:
        """Area of each whole object in square pixels, also of what lies outside the image."""
        areas: Numbers = np.pi * (self.radii.astype(np.float64) ** 2).mean(axis=1)
        return areas

    def take(self, chosen: slice) -> "Outlines":
        """Some of the objects."""
        return Outlines(self.centres[chosen], self.radii[chosen], self.angles[chosen], self.bends[chosen])


def blobs(
    centres: Points,
    diameters: Numbers,
    elongations: Numbers,
    roughness: Numbers,
    random: np.random.Generator,
) -> Outlines:
    """Ellipses whose radius is disturbed by a few Fourier waves: nuclei.

    Args:
        centres: row and column of each.
        diameters: of the disc with the same area, in pixels.
        elongations: long over short axis; 1 for round.
        roughness: height of the waves; 0 for a pure ellipse, 0.05 for a nucleus, 0.2 for a lobed one.
        random: source of chance, for the waves and the direction.

    Example:
        >>> one = np.ones(1)
        >>> disc = blobs(np.array([[5.0, 5.0]]), 8 * one, one, 0 * one, np.random.default_rng(0))
        >>> disc.radii.min().round(6), disc.radii.max().round(6)
        (np.float32(4.0), np.float32(4.0))
    """
    count = len(centres)
    radii = np.ones((count, _ANGLES), np.float32)
    for wave in range(2, 7):
        for direction in (np.cos(wave * _THETA), np.sin(wave * _THETA)):
            heights = roughness * random.normal(0, 0.7, count) * (2 / wave) ** 1.5
            radii += np.multiply.outer(heights.astype(np.float32), direction)
    radii = np.maximum(radii, 0.4) * _ellipses(elongations)
    return Outlines(
        centres, _with_area(radii, diameters), random.uniform(0, 2 * np.pi, count), np.zeros(count)
    )


def discs(centres: Points, diameters: Numbers) -> Outlines:
    """Plain discs: specks, and the steps of a thread.

    Args:
        centres: row and column of each.
        diameters: in pixels.

    Example:
        >>> discs(np.zeros((2, 2)), np.array([2.0, 4.0])).areas.round(3)
        array([ 3.142, 12.566])
    """
    radii = np.broadcast_to((diameters / 2).astype(np.float32)[:, None], (len(centres), _ANGLES))
    straight = np.zeros(len(centres))
    return Outlines(centres, radii, straight, straight)


def spindles(centres: Points, diameters: Numbers, random: np.random.Generator) -> Outlines:
    """Flat bodies drawn out into two to four arms: cells that hold on to glass.

    Args:
        centres: row and column of each.
        diameters: of the disc with the same area, in pixels.
        random: source of chance.

    Example:
        >>> cells = spindles(np.zeros((3, 2)), np.full(3, 60.0), np.random.default_rng(0))
        >>> (cells.areas / (np.pi * 30**2)).round(6)
        array([1., 1., 1.])
    """
    count = len(centres)
    radii = 0.7 * _ellipses(random.uniform(1.0, 2.0, count))
    for arm, present in enumerate((1.0, 0.9, 0.5, 0.3)):
        direction = (np.pi * arm, np.pi * arm + np.pi / 2)[arm > 1] + random.normal(0, 0.35, count)
        length = random.uniform(1.0, 4.0, count) * (random.random(count) < present)
        width = random.uniform(0.12, 0.32, count)
        away = (_THETA - direction[:, None] + np.pi) % (2 * np.pi) - np.pi
        radii += length[:, None] * np.exp(-(np.abs(away / width[:, None]) ** 0.75))
    for wave in (5, 8, 13, 21):
        heights, phases = random.uniform(0, 0.25, count) / wave**0.75, random.uniform(0, 2 * np.pi, count)
        radii *= 1 + heights[:, None] * np.cos(wave * _THETA + phases[:, None])
    bends = random.normal(0, 0.25, count) / diameters
    return Outlines(centres, _with_area(radii, diameters), random.uniform(0, 2 * np.pi, count), bends)


def _ellipses(elongations: Numbers) -> Radii:
    stretch = elongations.astype(np.float32)[:, None]
    return np.asarray(1 / np.sqrt(np.cos(_THETA) ** 2 / stretch + np.sin(_THETA) ** 2 * stretch), np.float32)


def _with_area(radii: Radii, diameters: Numbers) -> Radii:
    factors = diameters / 2 / np.sqrt((radii**2).mean(axis=1))
    return np.asarray(radii * factors[:, None], np.float32)


class Fragments(NamedTuple):
    """Pixels covered by objects, in the order of the objects; a pixel occurs once for each that covers it."""

    pixels: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    heights: Height


def fragments(outlines: Outlines, size: tuple[int, ...]) -> Iterator[Fragments]:
    """The pixels of each object inside the image, some objects at a time.

    Args:
        outlines: the objects.
        size: rows and columns of the image.

    Yields:
        Flat pixel indices, the number of the object (from 0), and the height of the object there.

    Example:
        >>> one = np.ones(1)
        >>> dot = blobs(np.array([[1.0, 1.0]]), 2 * one, one, 0 * one, np.random.default_rng(0))
        >>> sorted(pixel.item() for part in fragments(dot, (3, 3)) for pixel in part.pixels)
        [1, 3, 4, 5, 7]
    """
    if not len(outlines.centres):
        return
    longest = outlines.radii.max(axis=1)
    reach = int(np.ceil((longest + np.abs(outlines.bends) * longest**2).max())) + 1
    together = max(1, _PIXELS_PER_TASK // (2 * reach + 1) ** 2)
    for start in range(0, len(outlines.centres), together):
        yield _look_up(outlines.take(slice(start, start + together)), start, reach, size)


def _look_up(outlines: Outlines, first: int, reach: int, size: tuple[int, ...]) -> Fragments:
    middle = np.rint(outlines.centres).astype(np.int64)
    around = np.arange(-reach, reach + 1)
    rows, columns = middle[:, :1] + around, middle[:, 1:] + around
    down = (rows - outlines.centres[:, :1]).astype(np.float32)[:, :, None]
    right = (columns - outlines.centres[:, 1:]).astype(np.float32)[:, None, :]
    cosine, sine, bend = (
        part.astype(np.float32)[:, None, None]
        for part in (np.cos(outlines.angles), np.sin(outlines.angles), outlines.bends)
    )
    along = cosine * right + sine * down
    across = cosine * down - sine * right
    across -= bend * along**2
    turn = np.rint(np.arctan2(across, along) * np.float32(_ANGLES / (2 * np.pi))).astype(np.int64) % _ANGLES
    limits = outlines.radii[np.arange(len(middle))[:, None, None], turn]
    heights = 1 - (along**2 + across**2) / limits**2
    within = (heights >= 0) & ((rows >= 0) & (rows < size[0]))[:, :, None]
    within &= ((columns >= 0) & (columns < size[1]))[:, None, :]
    owner, row, column = np.nonzero(within)
    pixels = rows[owner, row] * size[1] + columns[owner, column]
    return Fragments(pixels, owner + first, np.maximum(heights[within], _RIM))


def draw(outlines: Outlines, size: Size) -> tuple[LabelMap, Height]:
    """Draw objects that never overlap: the first to come keeps the pixel.

    Of an object that is cut into pieces only the largest stays. An object of which little is left is taken
    away altogether, from the label map and from the heights; the one with most pixels always stays.

    Args:
        outlines: the objects; object ``i`` is drawn as id ``i + 1``.
        size: rows and columns.

    Returns:
        Label map, where the ids of objects taken away are missing, and the heights.

    Example:
        >>> one = np.ones(2)
        >>> pair = blobs(np.array([[1.0, 1.0], [1.0, 3.0]]), 3 * one, one, 0 * one, np.random.default_rng(0))
        >>> draw(pair, (3, 5))[0]
        array([[1, 1, 1, 2, 2],
               [1, 1, 1, 2, 2],
               [1, 1, 1, 2, 2]], dtype=int32)
    """
    label, height = np.zeros(size, np.int32), np.zeros(size, np.float32)
    flat_label, flat_height = label.reshape(-1), height.reshape(-1)
    for part in fragments(outlines, size):
        free = flat_label[part.pixels] == 0
        backwards = part.pixels[free][::-1]  # NumPy keeps the last value of equal indices: the first object's
        flat_label[backwards] = part.owners[free][::-1] + 1
        flat_height[backwards] = part.heights[free][::-1]
    _keep_largest_pieces(label, outlines.areas)
    height[label == 0] = 0
    return label, height


def _keep_largest_pieces(label: LabelMap, areas: Numbers) -> None:
    pieces = connected_components(label, connectivity=1)
    pixels = np.bincount(pieces.ravel())
    pixels[0] = 0  # the background is nobody's piece
    owners = np.zeros(len(pixels), np.int64)
    owners[pieces.ravel()] = label.ravel()
    order = np.argsort(pixels, kind="stable")
    largest = np.zeros(len(areas) + 1, np.int64)
    largest[owners[order]] = order
    visible = pixels[largest[1:]]
    enough = visible >= np.minimum(_LEAST_VISIBLE * areas, visible.max(initial=0))
    stays = np.zeros(len(pixels), bool)
    stays[largest[1:][enough]] = True
    stays[0] = False
    label[~stays[pieces]] = 0


def overlay(canvas: Height, outlines: Outlines, brightness: Numbers) -> None:
    """Draw objects onto a canvas so that they melt into one: the brightest keeps the pixel.

    Args:
        canvas: changed in place.
        outlines: the objects.
        brightness: of the middle of each object; towards the rim it falls with the height.

    Example:
        >>> canvas, one = np.zeros((3, 3), np.float32), np.ones(1)
        >>> dot = blobs(np.array([[1.0, 1.0]]), 2 * one, one, 0 * one, np.random.default_rng(0))
        >>> overlay(canvas, dot, one)
        >>> (canvas > 0).astype(int)
        array([[0, 1, 0],
               [1, 1, 1],
               [0, 1, 0]])
    """
    for part in fragments(outlines, canvas.shape):
        light = part.heights * brightness.astype(np.float32)[part.owners]
        np.maximum.at(canvas.reshape(-1), part.pixels, light)


def number(label: LabelMap) -> tuple[LabelMap, npt.NDArray[np.int64]]:
    """Number objects 1, 2, … and say which object of the drawing each was.

    Args:
        label: what :func:`draw` gave.

    Returns:
        The renumbered map, and for each id in turn the index of its outline.

    Example:
        >>> numbered, drawn = number(np.array([[0, 2], [7, 7]], np.int32))
        >>> numbered.tolist(), drawn.tolist()
        ([[0, 1], [2, 2]], [1, 6])
    """
    present = np.flatnonzero(np.bincount(label.ravel()))
    return relabel(label), present[present > 0] - 1
