"""The pixels that objects cover.

Each object is evaluated in a small box around its centre, many objects at once. So the cost grows with the
area of the objects, not with their number times the image size.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.scene import Field, Numbers, Scene, Size
from cellseg_monai.data.synthetic.shapes import Outlines, discs
from cellseg_monai.label_maps import LabelMap, connected_components, relabel

_PIXELS_PER_TASK = 1 << 18
_LEAST_VISIBLE = 0.15
_RIM = 0.02


class Fragments(NamedTuple):
    """Pixels covered by objects, in the order of the objects; a pixel is repeated if several cover it.

    Attributes:
        pixels: indices into the flattened image.
        owners: index of the object, from 0.
        heights: thickness of the object at the pixel: 1 in its middle, almost 0 at its rim.
    """

    pixels: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    heights: Field


def fragments(outlines: Outlines, size: tuple[int, ...]) -> Iterator[Fragments]:
    """Find the pixels of each object inside the image, including at least the pixel of its centre.

    Args:
        outlines: outlines of the objects.
        size: rows and columns of the image.

    Yields:
        Pixels of some of the objects.

    Example:
        >>> from cellseg_monai.data.synthetic.shapes import discs
        >>> dot = discs(np.array([[1.0, 1.0]]), np.array([2.0]))
        >>> sorted(pixel.item() for part in fragments(dot, (3, 3)) for pixel in part.pixels)
        [1, 3, 4, 5, 7]
    """
    if not len(outlines.centres):
        return
    longest = outlines.radii.max(axis=1)
    reach = int(np.ceil((longest + np.abs(outlines.bends) * longest**2).max())) + 1
    together = max(1, _PIXELS_PER_TASK // (2 * reach + 1) ** 2)
    for start in range(0, len(outlines.centres), together):
        some = Outlines._make(part[start : start + together] for part in outlines)
        yield _look_up(some, start, reach, size)


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
    steps = outlines.radii.shape[1]
    turn = np.rint(np.arctan2(across, along) * np.float32(steps / (2 * np.pi))).astype(np.int64) % steps
    limits = outlines.radii[np.arange(len(middle))[:, None, None], turn]
    heights = 1 - (along**2 + across**2) / limits**2
    heights[:, reach, reach] = np.maximum(heights[:, reach, reach], 0)  # thin objects cover a pixel as well
    within = (heights >= 0) & ((rows >= 0) & (rows < size[0]))[:, :, None]
    within &= ((columns >= 0) & (columns < size[1]))[:, None, :]
    owner, row, column = np.nonzero(within)
    pixels = rows[owner, row] * size[1] + columns[owner, column]
    return Fragments(pixels, owner + first, np.maximum(heights[within], _RIM))


def draw(outlines: Outlines, size: Size) -> tuple[LabelMap, Field]:
    """Draw objects without overlap: the first object keeps the pixel.

    Only the largest piece of an object stays. An object that is mostly hidden is removed, but the largest
    object always stays.

    Args:
        outlines: outlines of the objects; object ``i`` is drawn as id ``i + 1``.
        size: rows and columns.

    Returns:
        Label map without the ids of removed objects, and the thickness of the objects at each pixel: 1 in the
        middle, almost 0 at the rim, 0 outside.

    Example:
        >>> from cellseg_monai.data.synthetic.shapes import discs
        >>> pair = discs(np.array([[1.0, 1.0], [1.0, 3.0]]), np.array([3.0, 3.0]))
        >>> draw(pair, (3, 5))[0]
        array([[1, 1, 1, 2, 2],
               [1, 1, 1, 2, 2],
               [1, 1, 1, 2, 2]], dtype=int32)
    """
    label, height = np.zeros(size, np.int32), np.zeros(size, np.float32)
    flat_label, flat_height = label.reshape(-1), height.reshape(-1)
    for part in fragments(outlines, size):
        free = flat_label[part.pixels] == 0
        backwards = part.pixels[free][::-1]  # of equal indices NumPy keeps the last value
        flat_label[backwards] = part.owners[free][::-1] + 1
        flat_height[backwards] = part.heights[free][::-1]
    _keep_largest_pieces(label, outlines.areas)
    height[label == 0] = 0
    return label, height


def _keep_largest_pieces(label: LabelMap, areas: Numbers) -> None:
    pieces = connected_components(label, connectivity=1)
    pixels = np.bincount(pieces.ravel())
    pixels[0] = 0  # the background is not a piece
    owners = np.zeros(len(pixels), np.int64)
    owners[pieces.ravel()] = label.ravel()
    order = np.argsort(pixels, kind="stable")
    largest = np.zeros(len(areas) + 1, np.int64)
    largest[owners[order]] = order
    visible = pixels[largest[1:]]
    enough = visible >= np.minimum(_LEAST_VISIBLE * areas, visible.max(initial=0))
    label[~np.isin(pieces, largest[1:][enough])] = 0


def overlay(canvas: Field, outlines: Outlines, brightness: Numbers) -> None:
    """Draw objects that merge into each other: the brightest object keeps the pixel.

    Args:
        canvas: field that is changed in place.
        outlines: outlines of the objects.
        brightness: brightness in the middle of each object; it decreases towards the rim.

    Example:
        >>> from cellseg_monai.data.synthetic.shapes import discs
        >>> canvas = np.zeros((3, 3), np.float32)
        >>> overlay(canvas, discs(np.array([[1.0, 1.0]]), np.array([2.0])), np.ones(1))
        >>> (canvas > 0).astype(int)
        array([[0, 1, 0],
               [1, 1, 1],
               [0, 1, 0]])
    """
    for part in fragments(outlines, canvas.shape):
        light = part.heights * brightness.astype(np.float32)[part.owners]
        np.maximum.at(canvas.reshape(-1), part.pixels, light)


def add_specks(
    canvas: Field,
    scene: Scene,
    area: float,
    widths: tuple[float, float],
    brightness: float,
    random: np.random.Generator,
) -> None:
    """Draw debris: small discs of random brightness.

    Args:
        canvas: field that is changed in place.
        scene: settings of the image.
        area: mean area per speck, in squared object diameters.
        widths: smallest and largest width of a speck, in object diameters.
        brightness: mean brightness of a speck.
        random: random generator.
    """
    count = random.poisson(scene.degradation * canvas.size / (area * scene.diameter**2))
    where = random.uniform((0, 0), canvas.shape, (count, 2))
    diameters = random.uniform(*widths, count) * scene.diameter
    overlay(canvas, discs(where, diameters), random.exponential(brightness, count))


def number(label: LabelMap) -> tuple[LabelMap, npt.NDArray[np.int64]]:
    """Renumber objects as 1, 2, … and return the outline of each.

    Args:
        label: label map from :func:`draw`.

    Returns:
        Renumbered label map, and the index of the outline of each id.

    Example:
        >>> numbered, drawn = number(np.array([[0, 2], [7, 7]], np.int32))
        >>> numbered.tolist(), drawn.tolist()
        ([[0, 1], [2, 2]], [1, 6])
    """
    present = np.flatnonzero(np.bincount(label.ravel()))
    return relabel(label), present[present > 0] - 1
