"""How many cells too many or too few, and whether by splitting or by merging."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.metrics.matching import ObjectPairs, object_pairs


class CountErrors(NamedTuple):
    """What went wrong in an image, in numbers of cells.

    Attributes:
        pred: predicted objects.
        truth: true objects.
        error: pred − truth.
        relative_error: |pred − truth| / truth; 0 if both are 0, infinite if only the truth is.
        split: true objects in which at least two predictions lie.
        merged: predictions in which at least two true objects lie.
        invented: predictions that touch no true object.
        missed: true objects that no prediction touches.

    Example:
        >>> count_errors([[1, 1, 0]], [[1, 1, 2]]).missed
        1
    """

    pred: int
    truth: int
    error: int
    relative_error: float
    split: int
    merged: int
    invented: int
    missed: int


def count_errors(pred: npt.ArrayLike, truth: npt.ArrayLike, share: float = 0.5) -> CountErrors:
    """Count objects, splits and merges.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        share: an object lies in another if more than this share of its pixels does, in [0.5, 1).

    Returns:
        :class:`CountErrors`.

    Example:
        Two predictions in one true cell:

        >>> count_errors([[1, 1, 2, 2, 0]], [[7, 7, 7, 7, 7]])
        CountErrors(pred=2, truth=1, error=1, relative_error=1.0, split=1, merged=0, invented=0, missed=0)
    """
    return pair_count_errors(object_pairs(pred, truth), share)


def pair_count_errors(pairs: ObjectPairs, share: float = 0.5) -> CountErrors:
    """As :func:`count_errors`, from pairs that have been found already.

    Example:
        >>> pair_count_errors(object_pairs([[1, 1, 1, 1]], [[1, 1, 2, 2]])).merged
        1
    """
    if not 0.5 <= share < 1:
        raise ValueError(f"share={share} must lie from 0.5 on and below 1; below 0.5 a cell lies in two")
    pred, truth = len(pairs.pred_ids), len(pairs.truth_ids)
    inside_truth = pairs.shared > share * pairs.pred_sizes[pairs.pred]
    inside_pred = pairs.shared > share * pairs.truth_sizes[pairs.truth]
    return CountErrors(
        pred=pred,
        truth=truth,
        error=pred - truth,
        relative_error=abs(pred - truth) / truth if truth else (float("inf") if pred else 0.0),
        split=int((np.bincount(pairs.truth[inside_truth]) > 1).sum()),
        merged=int((np.bincount(pairs.pred[inside_pred]) > 1).sum()),
        invented=pred - len(np.unique(pairs.pred)),
        missed=truth - len(np.unique(pairs.truth)),
    )
