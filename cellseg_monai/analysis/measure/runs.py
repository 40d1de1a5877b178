"""A label map as runs: stretches of one row that belong to one cell, those of a cell side by side.

A cell of a thousand pixels has some thirty runs, and sums over its pixels are sums over these.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, as_label_map

Whole = npt.NDArray[np.int64]
Real = npt.NDArray[np.float64]

_PIXELS_PER_TASK = 1 << 22
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class Runs(NamedTuple):
    """The cells of a plane.

    Attributes:
        ids: of the cells, ascending.
        cell: place in ``ids`` of each run, ascending; the runs of a cell are in reading order.
        row: of each run.
        start: first column of each run.
        length: pixels of each run.
        first: place of the first run of each cell.
        shape: rows and columns of the map.

    Example:
        >>> runs = runs_of([[7, 7, 0, 7], [0, 2, 2, 2]])
        >>> runs.ids, runs.cell, runs.start, runs.length
        (array([2, 7]), array([0, 1, 1]), array([1, 0, 3]), array([3, 2, 1]))
    """

    ids: Whole
    cell: Whole
    row: Whole
    start: Whole
    length: Whole
    first: Whole
    shape: tuple[int, int]

    @property
    def area(self) -> Whole:
        """Pixels of each cell."""
        area: Whole = self.sum(self.length)
        return area

    @property
    def stop(self) -> Whole:
        """The column after the last of each run."""
        return self.start + self.length

    def sum(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sum, over the runs of each cell, of a value a run."""
        return np.add.reduceat(values, self.first) if len(self.first) else values[:0]


def runs_of(label_map: npt.ArrayLike) -> Runs:
    """Cut a plane into runs.

    Raises:
        ValueError: it is no label map, or no plane.
    """
    ids = plane(label_map)
    strips = strips_of(ids.shape)
    parts = in_threads(lambda strip: _runs_of_strip(ids[strip], strip.start), strips)
    empty = (np.empty(0, np.int64),) * 4
    label, row, start, length = (np.concatenate(part) for part in zip(empty, *parts, strict=True))
    order = np.argsort(label, kind="stable")
    label, row, start, length = label[order], row[order], start[order], length[order]
    first = np.flatnonzero(np.diff(label, prepend=-1))
    cell = np.repeat(np.arange(len(first)), np.diff(first, append=len(label)))
    return Runs(label[first], cell, row, start, length, first, (ids.shape[0], ids.shape[1]))


def plane(label_map: npt.ArrayLike) -> LabelMap:
    """The map as int32; a volume is refused."""
    ids = as_label_map(label_map)
    if ids.ndim != 2:
        raise ValueError(f"cells are measured in a plane, this label map has the shape {ids.shape}")
    return np.ascontiguousarray(ids)


def strips_of(shape: tuple[int, ...]) -> list[slice]:
    """Rows of an image in strips of some four million pixels."""
    step = max(1, _PIXELS_PER_TASK // max(shape[1], 1))
    return [slice(top, min(top + step, shape[0])) for top in range(0, shape[0], step)]


def in_threads(work: Callable[[_Task], _Result], tasks: Iterable[_Task]) -> list[_Result]:
    """Results in the order of the tasks, worked on by all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, tasks))


def bunches_of_like(sizes: Whole, most: int) -> list[Whole]:
    """Cells in bunches of sizes that add up to some `most`, none twice as large as another of its bunch."""
    if not len(sizes):
        return []
    order = np.argsort(sizes, kind="stable")
    ascending = sizes[order]
    cut = np.diff(np.cumsum(ascending) // most) != 0
    cut |= np.diff(np.log2(np.maximum(ascending, 1)).astype(np.int64)) != 0
    return np.split(order, np.flatnonzero(cut) + 1)


def _runs_of_strip(ids: LabelMap, top: int) -> tuple[Whole, Whole, Whole, Whole]:
    """Label, row, start and length of the runs of cells in some rows."""
    rows, columns = ids.shape
    begins = np.ones((rows, columns), bool)
    np.not_equal(ids[:, 1:], ids[:, :-1], out=begins[:, 1:])
    places = np.flatnonzero(begins)
    lengths = np.diff(places, append=ids.size)
    label = ids.ravel()[places]
    inside = np.flatnonzero(label)
    row, start = np.divmod(places[inside], max(columns, 1))
    return label[inside].astype(np.int64), row + top, start, lengths[inside]
