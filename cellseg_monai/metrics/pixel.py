"""Dice, IoU, precision, recall and accuracy of pixels, of the foreground or of each class.

Counts first, scores second, as for instances.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Scores = npt.NDArray[np.float64]


class PixelScores(NamedTuple):
    """Scores of pixels, each an array with one value per class.

    Attributes:
        dice: 2·TP / (2·TP + FP + FN); F1 is the same number.
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
    """Count right and wrong pixels.

    Args:
        pred: predicted map.
        truth: true map of the same shape.
        classes: values to count one by one; None counts the foreground, which is any value above 0.

    Returns:
        Array of shape (classes, 4): TP, FP, FN, TN. Add those of several images to pool them.

    Raises:
        ValueError: the shapes differ, or no class is named.

    Example:
        >>> pixel_counts([[1, 2, 0, 0]], [[4, 0, 4, 0]])
        array([[1., 1., 1., 1.]])
        >>> pixel_counts([[1, 2, 0, 0]], [[1, 1, 0, 0]], classes=[1, 2])
        array([[1., 0., 1., 2.],
               [0., 1., 0., 3.]])
    """
    one, other = np.asarray(pred), np.asarray(truth)
    if one.shape != other.shape:
        raise ValueError(f"the maps differ in shape, {one.shape} and {other.shape}; crop or resample one")
    if classes is None:
        return np.array([_count(one > 0, other > 0)])
    if not len(classes):
        raise ValueError("classes is empty; name the values to count, or None for the foreground")
    return np.array([_count(one == value, other == value) for value in classes])


def _count(pred: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> list[float]:
    both, one, other = (int(np.count_nonzero(mask)) for mask in (pred & truth, pred, truth))
    return [float(both), float(one - both), float(other - both), float(pred.size - one - other + both)]


def pixel_scores(counts: npt.ArrayLike, empty: float = 1.0) -> PixelScores:
    """Turn counts into scores.

    Args:
        counts: from :func:`pixel_counts`, shape (…, 4).
        empty: Dice, IoU, precision and recall of a class that is in neither map. NaN leaves it out of
            averages, such as the mIoU over the classes that occur.

    Returns:
        :class:`PixelScores`, of the shape of the counts without the last axis. A score whose denominator
        alone is 0, such as the precision where nothing is predicted, is 0.

    Example:
        >>> scores = pixel_scores([3, 1, 2, 4])
        >>> print(f"{scores.dice:.3f} {scores.iou:.3f} {scores.accuracy:.3f}")
        0.667 0.500 0.700
    """
    values = np.asarray(counts, float)
    if values.ndim == 0 or values.shape[-1] != 4:
        raise ValueError(f"counts have 4 columns TP, FP, FN and TN, not the shape {values.shape}")
    hits, alarms, misses, rest = np.moveaxis(values, -1, 0)
    nothing = hits + alarms + misses == 0

    def share(part: Scores, whole: Scores) -> Scores:
        ratio = np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)
        return np.where(nothing, empty, ratio)

    pixels = hits + alarms + misses + rest
    return PixelScores(
        dice=share(2 * hits, 2 * hits + alarms + misses),
        iou=share(hits, hits + alarms + misses),
        precision=share(hits, hits + alarms),
        recall=share(hits, hits + misses),
        accuracy=np.divide(hits + rest, pixels, out=np.full_like(pixels, np.nan), where=pixels > 0),
    )
