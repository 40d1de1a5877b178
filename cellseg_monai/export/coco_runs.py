"""Run lengths of COCO: background and object in turn, counted down the columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.polygons import Shape, runs
from cellseg_monai.run_lengths import read_counts


def run_lengths(rings: Sequence[npt.NDArray[Any]], shape: Shape) -> list[int]:
    """The run lengths of one object.

    Example:
        >>> run_lengths([np.array([[1, 0], [3, 0], [3, 1], [1, 1]])], (2, 4))
        [2, 1, 1, 1, 3]
    """
    _, columns, first, stop = runs([(1, [ring[:, ::-1] for ring in rings])], (shape[1], shape[0]))
    begins, ends = columns * shape[0] + first, columns * shape[0] + stop
    cuts = np.setxor1d(begins, ends, assume_unique=True)  # a run continued in the next column counts once
    lengths: list[int] = np.diff(cuts, prepend=0, append=shape[0] * shape[1]).tolist()
    return lengths[:-1] if len(lengths) > 1 and lengths[-1] == 0 else lengths


def rings_of_runs(counts: Any, shape: Shape) -> list[npt.NDArray[np.int64]]:
    """Run lengths, as a list or as COCO's string, as rectangles of one column each.

    Raises:
        ValueError: the run lengths are not valid, or do not add up to the pixels of the image.

    Example:
        >>> [ring.tolist() for ring in rings_of_runs([2, 1, 5], (2, 4))]
        [[[1, 0], [2, 0], [2, 1], [1, 1]]]
    """
    pixels = shape[0] * shape[1]
    ends = np.cumsum(read_counts(counts, pixels))
    cuts = np.union1d(ends, np.arange(0, pixels + 1, shape[0]))  # no run goes on in the next column
    inside = np.searchsorted(ends, cuts[:-1], "right") % 2 == 1
    left, top = np.divmod(cuts[:-1][inside], shape[0])
    right, bottom = left + 1, top + np.diff(cuts)[inside]
    corners = np.stack([left, top, right, top, right, bottom, left, bottom], axis=1)
    return list(corners.reshape(-1, 4, 2))
