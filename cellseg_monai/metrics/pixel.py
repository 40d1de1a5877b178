"""Dice, IoU, precision, recall and accuracy of pixels, for the foreground or for each class.

Counts come first and scores second, as for instances.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.metrics.ratio import Scores, ratio


class PixelScores(NamedTuple):
    """Scores of pixels, each an array with one value per class.

    Attributes:
        dice: 2·TP / (2·TP + FP + FN), which equals F1.
        iou: TP / (TP + FP + FN).
        precision: TP / (TP + FP).
        recall: TP / (TP + FN).
        accuracy: (TP + TN) / all pixels.

    Example:
        >>> pixel_scores(pixel_counts([[1, 1, 0]], [[1, 1, 2]])).dice
        array([0.8])
    """

    dice: Scores
    iou: Scores
    precision: Scores
    recall: Scores
    accuracy: Scores


def pixel_counts(pred: npt.ArrayLike, truth: npt.ArrayLike, classes: Sequence[int] | None = None) -> Scores:
    """Count correct and wrong pixels.

    Args:
        pred: predicted map.
        truth: true map of the same shape.
        classes: values to count one by one. None counts the foreground, which is any value above 0.

    Returns:
        Array of shape (classes, 4): TP, FP, FN, TN. Add the arrays of several images to pool them. Pixels
        whose truth is negative (:data:`~cellseg_monai.label_maps.IGNORED`) are left out.

    Raises:
        ValueError: If the shapes differ, or ``classes`` is empty.

    Example:
        >>> pixel_counts([[1, 2, 0, 0]], [[4, 0, 4, 0]])
        array([[1., 1., 1., 1.]])
        >>> pixel_counts([[1, 2, 0, 0]], [[1, 1, 0, 0]], classes=[1, 2])
        array([[1., 0., 1., 2.],
               [0., 1., 0., 3.]])
        >>> pixel_counts([[1, 2, 0, 0]], [[1, -1, -1, 0]], classes=[1, 2])
        array([[1., 0., 0., 1.],
               [0., 0., 0., 2.]])
    """
    one, other = np.asarray(pred), np.asarray(truth)
    if one.shape != other.shape:
        raise ValueError(f"the maps differ in shape, {one.shape} and {other.shape}; crop or resample one")
    if (other < 0).any():
        one, other = one[other >= 0], other[other >= 0]
    if classes is None:
        return np.array([_count(one > 0, other > 0)])
    if not len(classes):
        raise ValueError("classes is empty; give the values to count, or None for the foreground")
    return np.array([_count(one == value, other == value) for value in classes])


def _count(pred: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> list[float]:
    both, one, other = (int(np.count_nonzero(mask)) for mask in (pred & truth, pred, truth))
    return [float(both), float(one - both), float(other - both), float(pred.size - one - other + both)]


def pixel_scores(counts: npt.ArrayLike, empty: float = 1.0) -> PixelScores:
    """Turn counts into scores.

    Args:
        counts: counts from :func:`pixel_counts`, shape (…, 4).
        empty: Dice, IoU, precision and recall of a class that is in neither map. NaN leaves it out of
            averages, such as the mIoU over the classes that occur.

    Returns:
        Scores of the shape of the counts without the last axis. A score is 0 if only its own denominator is
        0, such as the precision where nothing is predicted.

    Example:
        >>> scores = pixel_scores([3, 1, 2, 4])
        >>> print(f"{scores.dice:.3f} {scores.iou:.3f} {scores.accuracy:.3f}")
        0.667 0.500 0.700
    """
    values = np.asarray(counts, float)
    if values.ndim == 0 or values.shape[-1] != 4:
        raise ValueError(f"counts need 4 columns TP, FP, FN and TN, but have shape {values.shape}")
    tp, fp, fn, tn = np.moveaxis(values, -1, 0)

    def score(part: Scores, whole: Scores) -> Scores:
        return np.where(tp + fp + fn == 0, empty, ratio(part, whole))

    return PixelScores(
        dice=score(2 * tp, 2 * tp + fp + fn),
        iou=score(tp, tp + fp + fn),
        precision=score(tp, tp + fp),
        recall=score(tp, tp + fn),
        accuracy=ratio(tp + tn, tp + fp + fn + tn, empty=float("nan")),
    )
