"""A label map as runs: stretches of pixels of one cell in one row, sorted by cell.

A cell of a thousand pixels has about thirty runs, and sums over its pixels become sums over its runs.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, as_label_map

Whole = npt.NDArray[np.int64]
Real = npt.NDArray[np.float64]

_PIXELS_PER_TASK = 1 << 22
_ELEMENTS_PER_BUNCH = 1 << 14  # what is derived from them stays in the cache of the processor
_Task = TypeVar("_Task")
_Result = TypeVar("_Result")


class Runs(NamedTuple):
    """The runs of a plane.

    Attributes:
        ids: ids of the cells in ascending order.
        cell: index into ``ids`` of each run, ascending; the runs of a cell are in reading order.
        row: row of each run.
        start: first column of each run.
        length: number of pixels of each run.
        first: index of the first run of each cell.
        shape: rows and columns of the label map.

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
        """Number of pixels of each cell."""
        return self.sum(self.length)

    @property
    def stop(self) -> Whole:
        """Column after the last one of each run."""
        return self.start + self.length

    def sum(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sum a value per run over the runs of each cell."""
        return np.add.reduceat(values, self.first)


def runs_of(label_map: npt.ArrayLike) -> Runs:
    """Find the runs of a plane.

    Raises:
        ValueError: the array is not a label map of one plane.
    """
    ids = plane(label_map)
    begins = np.ones(ids.shape, bool)
    np.not_equal(ids[:, 1:], ids[:, :-1], out=begins[:, 1:])
    places = np.flatnonzero(begins)
    length = np.diff(places, append=ids.size)
    label = ids.ravel()[places].astype(np.int64)
    places, length, label = places[label > 0], length[label > 0], label[label > 0]
    row, start = np.divmod(places, max(ids.shape[1], 1))
    order = np.argsort(label, kind="stable")
    label, row, start, length = label[order], row[order], start[order], length[order]
    first = first_of(label)
    cell = np.repeat(np.arange(len(first)), np.diff(first, append=len(label)))
    return Runs(label[first], cell, row, start, length, first, (ids.shape[0], ids.shape[1]))


def plane(label_map: npt.ArrayLike) -> LabelMap:
    """The label map as int32; a volume is an error."""
    ids = as_label_map(label_map)
    if ids.ndim != 2:
        raise ValueError(f"cells are measured in one plane, but the label map has shape {ids.shape}")
    return np.ascontiguousarray(ids)


def strips_of(shape: tuple[int, ...]) -> list[slice]:
    """Rows of an image in strips of about four million pixels."""
    step = max(1, _PIXELS_PER_TASK // max(shape[1], 1))
    return [slice(top, min(top + step, shape[0])) for top in range(0, shape[0], step)]


def bunches_of(cell: Whole) -> list[slice]:
    """Slices of an ascending array of cells, each with some complete cells."""
    first = first_of(cell)
    cuts = first[first_of(first // _ELEMENTS_PER_BUNCH)]
    return [slice(*ends) for ends in pairwise([*cuts.tolist(), len(cell)])]


def in_threads(work: Callable[[_Task], _Result], tasks: Iterable[_Task]) -> list[_Result]:
    """Results in the order of the tasks, computed on all cores."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, tasks))


def first_of(*keys: Whole) -> Whole:
    """Index of the first element of each group of equal neighbours.

    Example:
        >>> first_of(np.array([4, 4, 7]), np.array([0, 1, 1])).tolist()
        [0, 1, 2]
    """
    return np.flatnonzero(np.any([np.diff(key, prepend=key[:1] - 1) != 0 for key in keys], axis=0))


def ranges(start: Whole, length: Whole) -> Whole:
    """Ranges of whole numbers, one after the other.

    Example:
        >>> ranges(np.array([5, 0]), np.array([2, 3])).tolist()
        [5, 6, 0, 1, 2]
    """
    shift = np.repeat(start - (np.cumsum(length) - length), length)
    return shift + np.arange(len(shift))
