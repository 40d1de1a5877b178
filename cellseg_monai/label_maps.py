"""Integer label images: the one currency between the stages.

A label map gives each pixel the id of the object it belongs to, and 0 where there is none. It is int32 in
memory everywhere and narrower only at the moment of writing (:func:`cast`), where an id that does not fit is
an error. The fast libraries of the field do the work where they beat SciPy and scikit-image; the ratios are
printed by ``benchmarks/label_maps.py``.
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
"""An integer image, 0 for background."""

_PIXELS_PER_TASK = 1 << 22


class Overlap(NamedTuple):
    """How many pixels each object of one map shares with each object of another.

    Attributes:
        counts: sparse matrix of pixel counts; row ``i`` is object ``row_ids[i]``, column ``j`` is
            ``column_ids[j]``. Row 0 and column 0 are the background, also where a map has none.
        row_ids: ids of the first map in ascending order, 0 first.
        column_ids: ids of the second map in ascending order, 0 first.

    Example:
        >>> overlap = overlap_matrix([[5, 5, 9]], [[0, 7, 7]])
        >>> int(overlap.counts[overlap.row_ids.searchsorted(5), overlap.column_ids.searchsorted(7)])
        1
    """

    counts: sparse.csr_array
    row_ids: npt.NDArray[np.int64]
    column_ids: npt.NDArray[np.int64]


def as_label_map(array: npt.ArrayLike) -> LabelMap:
    """Convert to int32, refusing what is not a label map.

    Args:
        array: bool, integer, or whole numbers stored as float, of any shape.

    Returns:
        The same ids as int32; an int32 map is returned as it is, not copied.

    Raises:
        ValueError: an id is negative, fractional (an interpolated mask), not finite, or beyond int32.

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
        raise ValueError(f"a label map holds integers, this array holds {values.dtype}")
    if values.size:
        low, high = int(values.min()), int(values.max())  # float32 would round the limit of int32 up
        if low < 0:
            raise ValueError(f"a label map has no negative ids, this one goes down to {low}; set them to 0")
        if high > np.iinfo(np.int32).max:
            raise ValueError(f"id {high} does not fit int32; relabel() the map before it is narrowed")
    return values.astype(np.int32)


def _require_whole_numbers(values: npt.NDArray[Any]) -> None:
    if not np.isfinite(values).all():
        raise ValueError("a label map has no NaN or infinite values, this one does; set them to 0")
    whole = values == np.rint(values)
    if not whole.all():
        example = values[~whole].flat[0]
        raise ValueError(
            f"the value {example} is no object id: the mask was interpolated; "
            "resize masks with nearest-neighbour interpolation"
        )


def overlap_matrix(first: npt.ArrayLike, second: npt.ArrayLike) -> Overlap:
    """Count shared pixels between every pair of objects in one pass.

    Neighbouring pixels mostly belong to the same pair of objects. The maps are therefore cut into runs of
    equal pairs, and only the runs, some ten times fewer, are summed.

    Args:
        first: label map; its objects are the rows.
        second: label map of the same shape; its objects are the columns.

    Returns:
        The sparse :class:`Overlap`.

    Raises:
        ValueError: the shapes differ, or an array is no label map.

    Example:
        >>> overlap = overlap_matrix([[1, 1, 0]], [[0, 7, 7]])
        >>> overlap.counts.toarray()
        array([[0, 1],
               [1, 1]])
        >>> overlap.column_ids
        array([0, 7])
    """
    rows, columns = as_label_map(first), as_label_map(second)
    if rows.shape != columns.shape:
        raise ValueError(
            f"the label maps differ in shape, {rows.shape} and {columns.shape}; crop or resample one"
        )
    rows, columns = rows.ravel(), columns.ravel()
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
    """Cut two flat maps where either changes: the pair of ids and the length of each run."""
    changes = rows[1:] != rows[:-1]
    changes |= columns[1:] != columns[:-1]
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    return rows[starts], columns[starts], np.diff(starts, append=rows.size)


def _compact(ids: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Ids in ascending order and 0 among them, and the array with its ids replaced by their places there."""
    present = np.union1d(np.zeros(1, ids.dtype), fastremap.unique(ids))
    return present, fastremap.remap(ids, {int(number): place for place, number in enumerate(present)})


def relabel(label_map: npt.ArrayLike) -> LabelMap:
    """Renumber the objects 1, 2, … in the order of their ids, which may be beyond int32 here.

    Example:
        >>> relabel([[0, 40], [7, 40]])
        array([[0, 2],
               [1, 2]], dtype=int32)
    """
    ids = np.asarray(label_map)
    if ids.dtype.kind not in "ui" or ids.min(initial=0) < 0:
        ids = as_label_map(ids)
    ids = ids.astype(ids.dtype.newbyteorder("="), copy=False)  # TIFF may be big-endian, fastremap is not
    _, numbers = _compact(ids)
    return numbers.astype(np.int32, copy=False)


def connected_components(array: npt.ArrayLike, connectivity: int = 2) -> LabelMap:
    """Number the connected pieces of a mask, or of each object of a label map.

    Two pixels belong to one piece if they touch and hold the same value; so a label map whose every id is one
    piece keeps its objects, and an id in two pieces becomes two.

    Args:
        array: mask or label map, two- or three-dimensional.
        connectivity: 1 if pixels touch by a side (4 neighbours in the plane), 2 if also by a corner (8);
            in a volume 1, 2 or 3 for 6, 18 or 26 neighbours.

    Returns:
        Pieces numbered from 1 in the order in which reading row by row meets them.

    Example:
        >>> connected_components([[1, 0, 1], [0, 1, 0]], connectivity=1)
        array([[1, 0, 2],
               [0, 3, 0]], dtype=int32)
    """
    values = np.asarray(array)
    # A mask stays narrow. It goes as bytes, because cc3d 4.1 joins wrong pixels of boolean images.
    values = values.view(np.uint8) if values.dtype == bool else as_label_map(values)
    neighbours = {(2, 1): 4, (2, 2): 8, (3, 1): 6, (3, 2): 18, (3, 3): 26}.get((values.ndim, connectivity))
    if neighbours is None:
        raise ValueError(
            f"connectivity {connectivity} in {values.ndim} dimensions is not defined; "
            "use 1 or 2 in the plane, 1, 2 or 3 in a volume"
        )
    values = np.require(values, requirements=["C", "W"])  # cc3d refuses what is mapped read-only
    pieces = cc3d.connected_components(values, connectivity=neighbours, out_dtype=np.uint32)
    return np.asarray(pieces).view(np.int32)


def is_mask(label_map: npt.ArrayLike) -> bool:
    """Whether a map holds 0 and 255, as foreground is usually stored, and so tells no objects apart.

    Example:
        >>> is_mask([0, 255, 255]), is_mask([0, 1, 1]), is_mask([0, 0])
        (True, False, False)
    """
    values = np.asarray(label_map)
    return bool(values.max(initial=0) == 255 and np.isin(values, (0, 255)).all())


def touching_pairs(label_map: npt.ArrayLike, connectivity: int = 2) -> npt.NDArray[np.int64]:
    """Pairs of objects with pixels next to each other, each pair once, smaller id first.

    Args:
        label_map: map of any dimension.
        connectivity: 1 to look across sides, 2 also across corners.

    Returns:
        Array of shape (pairs, 2), sorted.

    Example:
        >>> touching_pairs([[1, 1, 2, 0, 3]])
        array([[1, 2]])
    """
    found = []
    for one, other in _neighbouring_views(as_label_map(label_map), connectivity):
        differs = one != other
        first, second = one[differs], other[differs]
        keys = np.minimum(first, second).astype(np.int64) << 32 | np.maximum(first, second)
        found.append(np.unique(keys[keys >= 1 << 32]))  # a lower key has the background as smaller id
    pairs = np.unique(np.concatenate(found))
    return np.stack([pairs >> 32, pairs & 0xFFFFFFFF], axis=1)


def boundaries(label_map: npt.ArrayLike, connectivity: int = 1) -> npt.NDArray[np.bool_]:
    """Pixels of objects that have a neighbour of another id, background included.

    The edge of the image is not a boundary: what lies beyond is not known.

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
    """For each direction to a neighbour (opposite directions once), the array and itself shifted there."""
    if not 1 <= connectivity <= array.ndim:
        raise ValueError(
            f"connectivity must lie between 1 and the dimensions {array.ndim}, not {connectivity}"
        )
    views = []
    for shift in product((-1, 0, 1), repeat=array.ndim):
        if shift > (0,) * array.ndim and sum(map(abs, shift)) <= connectivity:
            here = tuple(slice(max(-step, 0), -step if step > 0 else None) for step in shift)
            there = tuple(slice(max(step, 0), step if step < 0 else None) for step in shift)
            views.append((array[here], array[there]))
    return views


def smallest_dtype(highest_id: int) -> np.dtype[Any]:
    """The narrowest unsigned dtype, at most int32, that holds the id.

    Example:
        >>> smallest_dtype(255), smallest_dtype(256), smallest_dtype(65_536)
        (dtype('uint8'), dtype('uint16'), dtype('int32'))
    """
    if highest_id < 0:
        raise ValueError(f"an id is not negative, this one is {highest_id}")
    for dtype in (np.uint8, np.uint16, np.int32):
        if highest_id <= np.iinfo(dtype).max:
            return np.dtype(dtype)
    raise ValueError(f"id {highest_id} does not fit int32; relabel() the map first")


def cast(label_map: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Narrow a label map for writing; an id that does not fit is an error, never a wrap.

    Example:
        >>> cast([[0, 300]], "uint8")
        Traceback (most recent call last):
        ...
        ValueError: id 300 does not fit uint8 (at most 255); write uint16 or relabel() the map
    """
    ids = as_label_map(label_map)
    target = np.dtype(dtype)
    if target.kind not in "ui":
        raise ValueError(f"labels are written as integers, not as {target}")
    highest = int(ids.max(initial=0))
    if highest > np.iinfo(target).max:
        raise ValueError(
            f"id {highest} does not fit {target} (at most {np.iinfo(target).max}); "
            f"write {smallest_dtype(highest)} or relabel() the map"
        )
    return ids.astype(target)
