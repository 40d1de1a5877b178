"""Polygons to a label map: a pixel belongs to the polygon that contains its centre.

The lines through the centres of the rows cut all rings of all objects at once. Along a line an object begins
and ends in turn, so that holes, islands in holes and several pieces need no special treatment. A pixel whose
centre lies on an edge belongs to the object on the right, or below: neighbours with a common edge never share
a pixel.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap
from cellseg_monai.memory import require_room

Shape = tuple[int, int]
"""Rows and columns."""

_Numbers = npt.NDArray[np.float64]
_Integers = npt.NDArray[np.int64]


class Filled(NamedTuple):
    """Label map drawn from polygons, and what was lost.

    Attributes:
        label_map: label map.
        contested: number of pixels in objects with different ids; the smallest object keeps them.
        lost: ids without pixels: other objects cover them, or they contain no pixel centre.

    Example:
        >>> fill([(3, [np.array([[0, 0], [2, 0], [2, 1], [0, 1]])])], (1, 3)).label_map
        array([[3, 3, 0]], dtype=int32)
    """

    label_map: LabelMap
    contested: int
    lost: tuple[int, ...]


def fill(objects: Iterable[tuple[int, Sequence[npt.NDArray[Any]]]], shape: Shape) -> Filled:
    """Draw objects to a label map; the inverse of :func:`outlines`.

    Args:
        objects: id and rings of each object, as x and y; points in an even number of rings are outside. An id
            may occur several times.
        shape: rows and columns; objects are cut off there.

    Returns:
        The label map, and what was lost.

    Raises:
        ValueError: a corner is not finite, an id is not between 1 and the limit of int32, or the image does
            not fit into memory.

    Example:
        >>> triangle = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])
        >>> fill([(1, [triangle])], (4, 4)).label_map
        array([[1, 1, 1, 0],
               [1, 1, 0, 0],
               [1, 0, 0, 0],
               [0, 0, 0, 0]], dtype=int32)
    """
    require_room(shape, remedy="check the size of the image in the file")
    if min(shape) < 0:
        raise ValueError(f"the size of the image must not be negative: {shape}")
    listed = list(objects)
    ids = np.array([number for number, _ in listed], np.int64)
    if len(ids) and not 1 <= ids.min() <= ids.max() <= np.iinfo(np.int32).max:
        raise ValueError(f"ids must be 1 to {np.iinfo(np.int32).max}, but are {ids.min()} to {ids.max()}")
    owners, rows, first, stop = runs(listed, shape)
    sizes = np.bincount(owners, stop - first, minlength=len(ids))
    on_top = np.lexsort(
        (-owners, -sizes[owners])
    )  # the last one stays: the smallest, or the first of equal size
    owners, lengths = owners[on_top], (stop - first)[on_top]
    starts = (rows * shape[1] + first)[on_top]
    places = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    claims = np.repeat(ids[owners], lengths)
    pixels = np.zeros(shape[0] * shape[1], np.int32)
    pixels[places] = claims
    contested = len(np.unique(places[pixels[places] != claims]))
    lost = np.setdiff1d(ids, pixels) if contested or (sizes == 0).any() else np.empty(0, np.int64)
    return Filled(pixels.reshape(shape), contested, tuple(lost.tolist()))


def runs(
    objects: Sequence[tuple[int, Sequence[npt.NDArray[Any]]]], shape: Shape
) -> tuple[_Integers, _Integers, _Integers, _Integers]:
    """Runs of pixels along the rows, sorted by object, row and column.

    Returns:
        Index of the object in the list, row, first column, and column after the last one, for each run.

    Example:
        >>> [part.tolist() for part in runs([(7, [np.array([[0, 0], [2, 0], [2, 1], [0, 1]])])], (1, 3))]
        [[0], [0], [0], [2]]
    """
    owners, upper, lower = _sides(objects)
    first, stop = (np.clip(np.ceil(end[:, 1] - 0.5), 0, shape[0]).astype(np.int64) for end in (upper, lower))
    counts = stop - first
    side = np.repeat(np.arange(len(owners)), counts)
    rows = first[side] + np.arange(len(side)) - np.repeat(np.cumsum(counts) - counts, counts)
    down = (rows + 0.5 - upper[side, 1]) / (lower[side, 1] - upper[side, 1])
    cuts = upper[side, 0] + down * (lower[side, 0] - upper[side, 0])
    order = np.lexsort((cuts, rows, owners[side]))
    columns = np.clip(np.ceil(cuts[order] - 0.5), 0, shape[1]).astype(np.int64)
    begins = order[::2]
    return owners[side[begins]], rows[begins], columns[::2], columns[1::2]


def _sides(objects: Sequence[tuple[int, Sequence[npt.NDArray[Any]]]]) -> tuple[_Integers, _Numbers, _Numbers]:
    """Object, upper end and lower end of each side of the rings, except horizontal sides."""
    rings = [(place, ring) for place, (_, rings) in enumerate(objects) for ring in rings if len(ring) > 2]
    if not rings:
        return np.empty(0, np.int64), np.empty((0, 2)), np.empty((0, 2))
    lengths = np.array([len(ring) for _, ring in rings])
    corners = np.concatenate([np.asarray(ring, np.float64) for _, ring in rings])
    if not np.isfinite(corners).all():
        raise ValueError("a polygon has corners that are not finite; repair the file")
    ends = np.cumsum(lengths)
    following = np.arange(1, len(corners) + 1)
    following[ends - 1] = ends - lengths
    owners = np.repeat([place for place, _ in rings], lengths)
    downwards = (corners[:, 1] <= corners[following, 1])[:, None]
    upper = np.where(downwards, corners, corners[following])
    lower = np.where(downwards, corners[following], corners)
    sloping = upper[:, 1] < lower[:, 1]
    return owners[sloping], upper[sloping], lower[sloping]
