"""Run lengths of COCO: background and object in turn, counted down the columns."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.polygons import Shape, runs


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
