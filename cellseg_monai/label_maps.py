"""Integer label images, which all stages exchange.

A label map holds the id of the object that each pixel belongs to, and 0 for background. In memory it is
always int32. Only files hold narrower types (:func:`cast`), and an id that does not fit is an error.
Specialised libraries do the work where they are faster than SciPy and scikit-image;
``benchmarks/label_maps.py`` prints by how much.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product
from typing import Any, NamedTuple

import cc3d
import fastremap
import numpy as np
import numpy.typing as npt
from scipy import sparse

__all__ = [
    "LabelMap", "Overlap", "as_label_map", "boundaries", "cast", "connected_components", "is_mask",
    "overlap_matrix", "relabel", "smallest_dtype", "touching_pairs",
]  # fmt: skip

LabelMap = npt.NDArray[np.int32]

IGNORED = -1
"""Value of pixels of a true class map that count for nothing, neither in training nor in scores."""
"""Integer image of object ids, with 0 for background."""

_PIXELS_PER_TASK = 1 << 22


class Overlap(NamedTuple):
    """Number of pixels that each object of one label map shares with each object of another.

    Attributes:
        counts: sparse matrix of pixel counts; row ``i`` is object ``row_ids[i]``, column ``j`` is object
            ``column_ids[j]``. Row 0 and column 0 are the background, even if a label map has none.
        row_ids: ids of the first label map in ascending order, starting with 0.
        column_ids: ids of the second label map in ascending order, starting with 0.

    Example:
        >>> overlap = overlap_matrix([[5, 5, 9]], [[0, 7, 7]])
        >>> int(overlap.counts[overlap.row_ids.searchsorted(5), overlap.column_ids.searchsorted(7)])
        1
    """

    counts: sparse.csr_array
    row_ids: npt.NDArray[np.int64]
    column_ids: npt.NDArray[np.int64]


def as_label_map(array: npt.ArrayLike) -> LabelMap:
    """Convert to int32; raise if the array is not a label map.

    Args:
        array: array of any shape that holds booleans, integers, or whole numbers as floats.

    Returns:
        The same ids as int32; an int32 label map is not copied.

    Raises:
        ValueError: an id is negative, fractional (an interpolated mask), not finite, or too large for int32.

    Example:
        >>> as_label_map([[0.0, 2.0], [2.0, 0.0]])
        array([[0, 2],
               [2, 0]], dtype=int32)
    """
    values = np.asarray(array)
    if values.dtype == np.int32 and (values.size == 0 or values.min() >= 0):
        return values
    if values.dtype.kind == "f":
        _require_whole_numbers(values)
    elif values.dtype.kind not in "bui":
        raise ValueError(f"a label map must hold integers, but this array holds {values.dtype}")
    if values.size:
        low, high = int(values.min()), int(values.max())  # as int, since float32 rounds the limit of int32 up
        if low < 0:
            raise ValueError(f"ids must not be negative, but the lowest is {low}; set them to 0")
        if high > np.iinfo(np.int32).max:
            raise ValueError(f"id {high} does not fit into int32; call relabel() first")
    return values.astype(np.int32)


def _require_whole_numbers(values: npt.NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        raise ValueError("a label map must not have NaN or infinite values; set them to 0")
    whole = values == np.rint(values)
    if not whole.all():
        example = values[~whole].flat[0]
        raise ValueError(
            f"the value {example} is not an object id: the mask was interpolated; "
            "resize masks with nearest-neighbour interpolation"
        )


def label_map_pair(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[LabelMap, LabelMap]:
    """Convert both arrays to label maps and raise if their shapes differ.

    Example:
        >>> label_map_pair([[1, 0]], [[1]])
        Traceback (most recent call last):
        ...
        ValueError: the label maps differ in shape, (1, 2) and (1, 1); crop or resample one
    """
    one, other = as_label_map(first), as_label_map(second)
    if one.shape != other.shape:
        raise ValueError(
            f"the label maps differ in shape, {one.shape} and {other.shape}; crop or resample one"
        )
    return one, other


def overlap_matrix(first: npt.ArrayLike, second: npt.ArrayLike) -> Overlap:
    """Count the pixels shared by every pair of objects in one pass.

    Most neighbouring pixels belong to the same pair of objects. The label maps are therefore cut into runs of
    equal pairs, and only the runs, about ten times fewer, are summed.

    Args:
        first: label map whose objects become the rows.
        second: label map of the same shape whose objects become the columns.

    Returns:
        Pixel counts as a sparse matrix, with the ids of its rows and columns.

    Raises:
        ValueError: the shapes differ, or an array is not a label map.

    Example:
        >>> overlap = overlap_matrix([[1, 1, 0]], [[0, 7, 7]])
        >>> overlap.counts.toarray()
        array([[0, 1],
               [1, 1]])
        >>> overlap.column_ids
        array([0, 7])
    """
    rows, columns = (label_map.ravel() for label_map in label_map_pair(first, second))
    cuts = [*range(0, rows.size, _PIXELS_PER_TASK), rows.size]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(lambda cut: _runs(rows[slice(*cut)], columns[slice(*cut)]), pairwise(cuts)))
    empty = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int64))
    run_rows, run_columns, lengths = (np.concatenate(part) for part in zip(empty, *runs, strict=True))
    row_ids, row_index = _compact(run_rows)
    column_ids, column_index = _compact(run_columns)
    shape = (len(row_ids), len(column_ids))
    counts = sparse.coo_array((lengths, (row_index, column_index)), shape=shape).tocsr()
    return Overlap(counts, row_ids.astype(np.int64), column_ids.astype(np.int64))


def _runs(rows: LabelMap, columns: LabelMap) -> tuple[LabelMap, LabelMap, npt.NDArray[np.int64]]:
    """Ids and length of each run of equal pairs in two flat label maps."""
    changes = rows[1:] != rows[:-1]
    changes |= columns[1:] != columns[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return rows[starts], columns[starts], np.diff(starts, append=rows.size)


def _compact(ids: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Ids in ascending order, including 0, and the index of each id of the array among them."""
    present = np.union1d(np.zeros(1, ids.dtype), fastremap.unique(ids))
    return present, fastremap.remap(ids, {int(number): place for place, number in enumerate(present)})


def relabel(label_map: npt.ArrayLike) -> LabelMap:
    """Renumber the objects 1, 2, … in the order of their ids, which may exceed int32 here.

    Example:
        >>> relabel([[0, 40], [7, 40]])
        array([[0, 2],
               [1, 2]], dtype=int32)
    """
    ids = np.asarray(label_map)
    if ids.dtype.kind not in "ui" or ids.min(initial=0) < 0:
        ids = as_label_map(ids)
    ids = ids.astype(
        ids.dtype.newbyteorder("="), copy=False
    )  # TIFF may be big-endian, which fastremap does not support
    _, numbers = _compact(ids)
    return numbers.astype(np.int32, copy=False)


def connected_components(array: npt.ArrayLike, connectivity: int = 2) -> LabelMap:
    """Number the connected components of a mask, or of each object of a label map.

    Two pixels belong to the same component if they touch and have the same value. Objects in one piece
    therefore stay one object, and an object in two pieces becomes two.

    Args:
        array: mask or label map with two or three dimensions.
        connectivity: 1 if pixels touch by a side (4 neighbours in a plane), 2 if also by a corner (8); in a
            volume 1, 2 or 3 for 6, 18 or 26 neighbours.

    Returns:
        Components numbered from 1 in reading order.

    Example:
        >>> connected_components([[1, 0, 1], [0, 1, 0]], connectivity=1)
        array([[1, 0, 2],
               [0, 3, 0]], dtype=int32)
    """
    values = np.asarray(array)
    # A mask stays one byte per pixel, but not as bool: cc3d 4.1 joins wrong pixels of boolean images.
    values = values.view(np.uint8) if values.dtype == bool else as_label_map(values)
    neighbours = {(2, 1): 4, (2, 2): 8, (3, 1): 6, (3, 2): 18, (3, 3): 26}.get((values.ndim, connectivity))
    if neighbours is None:
        raise ValueError(
            f"connectivity {connectivity} is not defined in {values.ndim} dimensions; "
            "use 1 or 2 in a plane, or 1, 2 or 3 in a volume"
        )
    values = np.require(values, requirements=["C", "W"])  # cc3d rejects read-only memory maps
    pieces = cc3d.connected_components(values, connectivity=neighbours, out_dtype=np.uint32)
    return np.asarray(pieces).view(np.int32)


def is_mask(label_map: npt.ArrayLike) -> bool:
    """Whether a label map only holds 0 and 255, the usual values of a binary mask, and so no single objects.

    Example:
        >>> is_mask([0, 255, 255]), is_mask([0, 1, 1]), is_mask([0, 0])
        (True, False, False)
    """
    values = np.asarray(label_map)
    return bool(values.max(initial=0) == 255 and np.isin(values, (0, 255)).all())


def touching_pairs(label_map: npt.ArrayLike, connectivity: int = 2) -> npt.NDArray[np.int64]:
    """Pairs of objects that touch, each pair once with the smaller id first.

    Args:
        label_map: label map with any number of dimensions.
        connectivity: 1 for contact by sides, 2 also by corners.

    Returns:
        Sorted array of shape (pairs, 2).

    Example:
        >>> touching_pairs([[1, 1, 2, 0, 3]])
        array([[1, 2]])
    """
    found = []
    for one, other in _neighbouring_views(as_label_map(label_map), connectivity):
        differs = one != other
        first, second = one[differs], other[differs]
        keys = np.minimum(first, second).astype(np.int64) << 32 | np.maximum(first, second)
        found.append(np.unique(keys[keys >= 1 << 32]))  # in lower keys the smaller id is the background
    pairs = np.unique(np.concatenate(found))
    return np.stack([pairs >> 32, pairs & 0xFFFFFFFF], axis=1)


def boundaries(label_map: npt.ArrayLike, connectivity: int = 1) -> npt.NDArray[np.bool_]:
    """Pixels of objects that have a neighbour with another id or in the background.

    The edge of the image is not a boundary, since it is not known what lies beyond.

    Example:
        >>> boundaries([[0, 1, 1, 1, 2, 2]]).astype(int)
        array([[0, 1, 0, 1, 1, 0]])
    """
    ids = as_label_map(label_map)
    edge = np.zeros(ids.shape, bool)
    views = zip(_neighbouring_views(ids, connectivity), _neighbouring_views(edge, connectivity), strict=True)
    for (one, other), (mark_one, mark_other) in views:
        differs = one != other
        mark_one |= differs
        mark_other |= differs
    edge &= ids > 0
    return edge


def _neighbouring_views(
    array: npt.NDArray[Any], connectivity: int
) -> list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]:
    """Pairs of views of an array shifted by one pixel, for each direction; opposite directions count once."""
    if not 1 <= connectivity <= array.ndim:
        raise ValueError(f"connectivity must be between 1 and {array.ndim}, not {connectivity}")
    views = []
    for shift in product((-1, 0, 1), repeat=array.ndim):
        if shift > (0,) * array.ndim and sum(map(abs, shift)) <= connectivity:
            here = tuple(slice(max(-step, 0), -step if step > 0 else None) for step in shift)
            there = tuple(slice(max(step, 0), step if step < 0 else None) for step in shift)
            views.append((array[here], array[there]))
    return views


def smallest_dtype(highest_id: int) -> np.dtype[Any]:
    """The narrowest of uint8, uint16 and int32 that holds the id.

    Example:
        >>> smallest_dtype(255), smallest_dtype(256), smallest_dtype(65_536)
        (dtype('uint8'), dtype('uint16'), dtype('int32'))
    """
    if highest_id < 0:
        raise ValueError(f"ids must not be negative, but this one is {highest_id}")
    for dtype in (np.uint8, np.uint16, np.int32):
        if highest_id <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    raise ValueError(f"id {highest_id} does not fit into int32; call relabel() first")


def cast(label_map: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Convert a label map to the type of a file; an id that does not fit is an error, never an overflow.

    Example:
        >>> cast([[0, 300]], "uint8")
        Traceback (most recent call last):
        ...
        ValueError: id 300 does not fit into uint8 (at most 255); write uint16, or call relabel() first
    """
    ids = as_label_map(label_map)
    target = np.dtype(dtype)
    if target.kind not in "ui":
        raise ValueError(f"labels must be written as integers, not as {target}")
    highest = int(ids.max(initial=0))
    if highest > np.iinfo(target).max:
        raise ValueError(
            f"id {highest} does not fit into {target} (at most {np.iinfo(target).max}); "
            f"write {smallest_dtype(highest)}, or call relabel() first"
        )
    return ids.astype(target)
