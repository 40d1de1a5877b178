"""Run lengths of COCO: background and object in turn, counted down the columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.coco_counts import decode_counts
from cellseg_monai.export.outlining import Points, outlines
from cellseg_monai.polygons import Shape, runs


def run_lengths(rings: Sequence[npt.NDArray[Any]], shape: Shape) -> list[int]:
    """The run lengths of one object.

    Example:
        >>> run_lengths([np.array([[1, 0], [3, 0], [3, 1], [1, 1]])], (2, 4))
        [2, 1, 1, 1, 3]
    """
    _, columns, first, stop = runs([(1, [ring[:, ::-1] for ring in rings])], (shape[1], shape[0]))
    begins, ends = columns * shape[0] + first, columns * shape[0] + stop
    apart = begins[1:] != ends[:-1]  # a run that goes on in the next column is one
    cuts = np.sort(np.concatenate([begins[:1], begins[1:][apart], ends[:-1][apart], ends[-1:]]))
    lengths: list[int] = np.diff(cuts, prepend=0, append=shape[0] * shape[1]).tolist()
    return lengths[:-1] if len(lengths) > 1 and lengths[-1] == 0 else lengths


def rings_of_runs(counts: Any, shape: Shape) -> list[Points]:
    """The outlines of run lengths, given as a list or as COCO's string.

    Raises:
        ValueError: they are no run lengths, or do not add to the pixels of the image.

    Example:
        >>> [ring.tolist() for ring in rings_of_runs([2, 1, 1, 1, 3], (2, 4))]
        [[[1, 0], [3, 0], [3, 1], [1, 1]]]
    """
    lengths = decode_counts(counts) if isinstance(counts, str) else counts
    if not isinstance(lengths, list) or not all(isinstance(one, int) and one >= 0 for one in lengths):
        raise ValueError(f"run lengths are whole numbers from 0, not {str(counts)[:80]}")
    if sum(lengths) != shape[0] * shape[1]:
        raise ValueError(f"the run lengths add to {sum(lengths)} pixels, the image has {shape[0] * shape[1]}")
    ends = np.cumsum(lengths)
    sizes = np.array(lengths[1::2], np.int64)
    starts = ends[1::2] - sizes
    places = np.repeat(starts - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
    if not len(places):
        return []
    columns, rows = np.divmod(places, shape[0])
    left, top = columns.min(), rows.min()
    cut = np.zeros((rows.max() - top + 1, columns.max() - left + 1), np.int32)
    cut[rows - top, columns - left] = 1
    return [ring + np.array([left, top], np.int32) for ring in outlines(cut)[0].rings]
