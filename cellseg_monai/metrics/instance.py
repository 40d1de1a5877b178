"""F1, precision, recall, average precision and panoptic quality of objects matched at IoU thresholds.

Counts come first and scores second: counts of images can be summed, scores cannot. The same two functions
therefore score an image and a whole data set.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.metrics.matching import ObjectPairs, match_objects, object_pairs
from cellseg_monai.metrics.ratio import Scores, ratio

AP_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""0.5:0.95. Written out because ``numpy.arange`` gives 0.6000000000000001, which an IoU of 3/5 misses."""


class InstanceScores(NamedTuple):
    """Scores of matched objects, each an array with one value per threshold.

    Attributes:
        precision: TP / (TP + FP).
        recall: TP / (TP + FN).
        f1: 2·TP / (2·TP + FP + FN), which equals the recognition quality RQ.
        ap: TP / (TP + FP + FN), the average precision of the Data Science Bowl and of Cellpose.
        sq: segmentation quality, the mean IoU of the matches.
        pq: panoptic quality, SQ · RQ.

    Example:
        >>> instance_scores(instance_counts([[1, 1, 0]], [[1, 1, 2]])).recall
        array([0.5])
    """

    precision: Scores
    recall: Scores
    f1: Scores
    ap: Scores
    sq: Scores
    pq: Scores


def instance_counts(
    pred: npt.ArrayLike, truth: npt.ArrayLike, thresholds: float | Sequence[float] = 0.5
) -> Scores:
    """Count true positives, false positives and false negatives at each threshold.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        thresholds: one or several IoU thresholds; a pair matches at or above it.

    Returns:
        Array of shape (thresholds, 4): TP, FP, FN, and the summed IoU of the matches. Add the arrays of
        several images to pool them.

    Example:
        Three pixels each, two shared, IoU 2/4; the second prediction is a false positive:

        >>> instance_counts([[1, 1, 1, 0, 2]], [[0, 5, 5, 5, 0]], [0.5, 0.6])
        array([[1. , 1. , 0. , 0.5],
               [0. , 2. , 1. , 0. ]])
    """
    return pair_counts(object_pairs(pred, truth), thresholds)


def pair_counts(pairs: ObjectPairs, thresholds: float | Sequence[float] = 0.5) -> Scores:
    """Count as in :func:`instance_counts`, from the pairs of objects.

    Example:
        >>> pair_counts(object_pairs([[1, 1]], [[2, 2]]))
        array([[1., 0., 0., 1.]])
    """
    counts = []
    for threshold in np.atleast_1d(np.asarray(thresholds, float)):
        ious = pairs.iou[match_objects(pairs, float(threshold))]
        tp = len(ious)
        counts.append([tp, len(pairs.pred_ids) - tp, len(pairs.truth_ids) - tp, ious.sum()])
    if not counts:
        raise ValueError("thresholds is empty; give at least one IoU threshold, such as 0.5")
    return np.array(counts, float)


def instance_scores(counts: npt.ArrayLike, empty: float = 1.0) -> InstanceScores:
    """Turn counts into scores.

    Args:
        counts: counts from :func:`instance_counts`, shape (…, 4). NaN values give NaN scores.
        empty: value of every score if there is neither a predicted nor a true object. The default is 1,
            because it is correct to leave an image without cells empty. NaN leaves it out of averages; 0 is
            the convention of `stardist.matching`.

    Returns:
        Scores of the shape of the counts without the last axis. A score is 0 if only its own denominator is
        0, such as the precision where nothing is predicted.

    Example:
        Two true positives with IoU 0.5 and 1, one false positive, one false negative:

        >>> scores = instance_scores([2, 1, 1, 1.5])
        >>> print(f"{scores.f1:.3f} {scores.ap:.3f} {scores.sq:.3f} {scores.pq:.3f}")
        0.667 0.500 0.750 0.500
    """
    values = np.asarray(counts, float)
    if values.ndim == 0 or values.shape[-1] != 4:
        raise ValueError(f"counts need 4 columns TP, FP, FN and sum of IoU, but have shape {values.shape}")
    tp, fp, fn, iou_sum = np.moveaxis(values, -1, 0)
    scores = InstanceScores(
        precision=ratio(tp, tp + fp),
        recall=ratio(tp, tp + fn),
        f1=ratio(2 * tp, 2 * tp + fp + fn),
        ap=ratio(tp, tp + fp + fn),
        sq=ratio(iou_sum, tp),
        pq=ratio(2 * iou_sum, 2 * tp + fp + fn),
    )
    return InstanceScores(*(np.where(tp + fp + fn == 0, empty, score) for score in scores))


def mean_average_precision(pred: npt.ArrayLike, truth: npt.ArrayLike, empty: float = 1.0) -> float:
    """Mean of TP / (TP + FP + FN) over the thresholds 0.5, 0.55, … 0.95.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        empty: score if both maps are empty.

    Returns:
        Score from 0 to 1.

    Example:
        An IoU of 3/5 matches at 0.5, 0.55 and 0.6, three of ten thresholds:

        >>> mean_average_precision([[1, 1, 1, 0, 0]], [[1, 1, 1, 1, 1]])
        0.3
    """
    return float(instance_scores(instance_counts(pred, truth, AP_THRESHOLDS), empty).ap.mean())
