"""Count errors: how many cells too many or too few, and whether by splitting or merging."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.metrics.matching import ObjectPairs, object_pairs


class CountErrors(NamedTuple):
    """Count errors of an image, in numbers of cells.

    Attributes:
        pred: number of predicted objects.
        truth: number of true objects.
        error: pred − truth.
        relative_error: |pred − truth| / truth; 0 if both are 0, infinite if only the truth is.
        split: true objects that contain at least two predictions.
        merged: predictions that contain at least two true objects.
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
        share: fraction in [0.5, 1); an object lies in another one if more than this fraction of its pixels
            does.

    Returns:
        Numbers of objects and errors.

    Example:
        Two predictions in one true cell:

        >>> count_errors([[1, 1, 2, 2, 0]], [[7, 7, 7, 7, 7]])
        CountErrors(pred=2, truth=1, error=1, relative_error=1.0, split=1, merged=0, invented=0, missed=0)
    """
    return pair_count_errors(object_pairs(pred, truth), share)


def pair_count_errors(pairs: ObjectPairs, share: float = 0.5) -> CountErrors:
    """Count errors as in :func:`count_errors`, from the pairs of objects.

    Example:
        >>> pair_count_errors(object_pairs([[1, 1, 1, 1]], [[1, 1, 2, 2]])).merged
        1
    """
    if not 0.5 <= share < 1:
        raise ValueError(f"share={share} must be from 0.5 to below 1; a cell lies in one other at most")
    pred, truth = len(pairs.pred_ids), len(pairs.truth_ids)
    pred_inside, truth_inside = containment(pairs, share)
    return CountErrors(
        pred=pred,
        truth=truth,
        error=pred - truth,
        relative_error=abs(pred - truth) / truth if truth else (float("inf") if pred else 0.0),
        split=int((np.bincount(pairs.truth[pred_inside]) > 1).sum()),
        merged=int((np.bincount(pairs.pred[truth_inside]) > 1).sum()),
        invented=pred - len(np.unique(pairs.pred)),
        missed=truth - len(np.unique(pairs.truth)),
    )


def containment(
    pairs: ObjectPairs, share: float = 0.5
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Whether the predicted object of each pair lies in the true one, and the true in the predicted one.

    Example:
        >>> containment(object_pairs([[1, 1, 1, 1]], [[1, 1, 2, 2]]))
        (array([False, False]), array([ True,  True]))
    """
    return (
        pairs.shared > share * pairs.pred_sizes[pairs.pred],
        pairs.shared > share * pairs.truth_sizes[pairs.truth],
    )
