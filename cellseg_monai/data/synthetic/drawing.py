"""The pixels that objects cover.

Each object is looked up in a small box around its centre, many objects at once. So the cost grows with the
pixels of the objects and not with their number times the image.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.image import Size
from cellseg_monai.data.synthetic.shapes import Numbers, Outlines
from cellseg_monai.label_maps import LabelMap, connected_components, relabel

Height = npt.NDArray[np.float32]
"""How thick an object is at each pixel: 1 in its middle, nearly 0 at its rim, 0 outside."""

_PIXELS_PER_TASK = 1 << 18
_LEAST_VISIBLE = 0.15
_RIM = 0.02


class Fragments(NamedTuple):
    """Pixels covered by objects, in the order of the objects; a pixel occurs once for each that covers it."""

    pixels: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    heights: Height


def fragments(outlines: Outlines, size: tuple[int, ...]) -> Iterator[Fragments]:
    """The pixels of each object inside the image, some objects at a time; at least that of its centre.

    Args:
        outlines: the objects.
        size: rows and columns of the image.

    Yields:
        Flat pixel indices, the number of the object (from 0), and the height of the object there.

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
    steps = outlines.radii.shape[1]
    turn = np.rint(np.arctan2(across, along) * np.float32(steps / (2 * np.pi))).astype(np.int64) % steps
    limits = outlines.radii[np.arange(len(middle))[:, None, None], turn]
    heights = 1 - (along**2 + across**2) / limits**2
    heights[:, reach, reach] = np.maximum(heights[:, reach, reach], 0)  # however thin, one pixel is its own
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
