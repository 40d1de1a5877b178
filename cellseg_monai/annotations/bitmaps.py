"""Masks of pixels as rings, so that they are drawn like outlines: one rectangle for each run of pixels."""

from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.memory import require_room
from cellseg_monai.polygons import Shape
from cellseg_monai.run_lengths import read_counts

_Integers = npt.NDArray[np.int64]


def rings_of_runs(counts: Any, shape: Shape) -> list[_Integers]:
    """Run lengths of COCO, as a list or as its string, as rectangles of one column each.

    Raises:
        ValueError: the run lengths are not valid, or do not add up to the pixels of the image.

    Example:
        >>> [ring.tolist() for ring in rings_of_runs([2, 1, 5], (2, 4))]
        [[[1, 0], [2, 0], [2, 1], [1, 1]]]
    """
    left, top, stop = _pieces(read_counts(counts, shape[0] * shape[1]), shape[0])
    return _rectangles(left, top, left + 1, stop)


def rings_of_rows(counts: Any, shape: Shape, left: int, top: int) -> list[_Integers]:
    """Run lengths along the rows of a box, as CVAT writes them, as rectangles of one row each.

    Args:
        counts: lengths of background and object in turn.
        shape: rows and columns of the box.
        left: first column of the box.
        top: first row of the box.

    Raises:
        ValueError: the run lengths are not valid, or do not add up to the pixels of the box.

    Example:
        >>> [ring.tolist() for ring in rings_of_rows([1, 2, 1], (2, 2), 5, 0)]
        [[[6, 0], [7, 0], [7, 1], [6, 1]], [[5, 1], [6, 1], [6, 2], [5, 2]]]
    """
    row, begin, stop = _pieces(read_counts(counts, shape[0] * shape[1]), shape[1])
    return _rectangles(begin + left, row + top, stop + left, row + top + 1)


def rings_of_mask(mask: npt.NDArray[Any], left: int, top: int) -> list[_Integers]:
    """Pixels of a mask that are not 0, as rectangles of one row each.

    Args:
        mask: rows and columns of a box.
        left: first column of the box.
        top: first row of the box.

    Example:
        >>> [ring.tolist() for ring in rings_of_mask(np.array([[0, 1]]), 5, 0)]
        [[[6, 0], [7, 0], [7, 1], [6, 1]]]
    """
    steps = np.diff(np.pad(mask.astype(bool).astype(np.int8), ((0, 0), (1, 1))), axis=1)
    (row, begin), (_, stop) = np.nonzero(steps > 0), np.nonzero(steps < 0)
    return _rectangles(begin + left, row + top, stop + left, row + top + 1)


def _pieces(runs: list[int], length: int) -> tuple[_Integers, _Integers, _Integers]:
    """Line, start and stop of each run of an object; a run that goes on in the next line is divided."""
    require_room((sum(runs),), remedy="check the size of the image in the file")
    ends = np.cumsum(runs)
    total = int(ends[-1]) if len(ends) else 0
    cuts = np.union1d(ends, np.arange(0, total + 1, length))
    inside = np.searchsorted(ends, cuts[:-1], "right") % 2 == 1
    line, start = np.divmod(cuts[:-1][inside], length)
    return line, start, start + np.diff(cuts)[inside]


def _rectangles(left: _Integers, top: _Integers, right: _Integers, bottom: _Integers) -> list[_Integers]:
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1)
    return list(corners.reshape(-1, 4, 2))
