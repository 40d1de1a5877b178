"""F1, precision, recall, average precision and panoptic quality of objects matched at IoU thresholds.

Counts first, scores second: counts of images add up, scores do not. So the same two functions give the score
of an image and that of a data set.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.metrics.matching import ObjectPairs, match_objects, object_pairs

Scores = npt.NDArray[np.float64]

AP_THRESHOLDS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""0.5:0.95. Written out, because ``numpy.arange`` gives 0.6000000000000001, which an IoU of 3/5 misses."""


class InstanceScores(NamedTuple):
    """Scores of matched objects, each an array with one value per threshold.

    Attributes:
        precision: TP / (TP + FP).
        recall: TP / (TP + FN).
        f1: 2·TP / (2·TP + FP + FN); the recognition quality RQ is the same number.
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
    """Count hits, false alarms and misses at each threshold.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        thresholds: least IoU of a match, one or several.

    Returns:
        Array of shape (thresholds, 4): TP, FP, FN, and the sum of the IoU of the matches. Add those of
        several images to pool them.

    Example:
        Three pixels against three, two shared, IoU 2/4; the second object is a false alarm:

        >>> instance_counts([[1, 1, 1, 0, 2]], [[0, 5, 5, 5, 0]], [0.5, 0.6])
        array([[1. , 1. , 0. , 0.5],
               [0. , 2. , 1. , 0. ]])
    """
    return pair_counts(object_pairs(pred, truth), thresholds)


def pair_counts(pairs: ObjectPairs, thresholds: float | Sequence[float] = 0.5) -> Scores:
    """As :func:`instance_counts`, from pairs that have been found already.

    Example:
        >>> pair_counts(object_pairs([[1, 1]], [[2, 2]]))
        array([[1., 0., 0., 1.]])
    """
    counts = []
    for threshold in np.atleast_1d(np.asarray(thresholds, float)):
        ious = pairs.iou[match_objects(pairs, float(threshold))]
        hits = len(ious)
        counts.append([hits, len(pairs.pred_ids) - hits, len(pairs.truth_ids) - hits, ious.sum()])
    if not counts:
        raise ValueError("thresholds is empty; name at least one IoU to match at, such as 0.5")
    return np.array(counts, float)


def instance_scores(counts: npt.ArrayLike, empty: float = 1.0) -> InstanceScores:
    """Turn counts into scores.

    Args:
        counts: from :func:`instance_counts`, shape (…, 4). Of NaN are made scores that are NaN.
        empty: every score where there is neither a predicted nor a true object. An image without cells that
            is left empty is right, hence 1. NaN leaves it out of averages; 0 is what `stardist.matching` has.

    Returns:
        :class:`InstanceScores`, of the shape of the counts without the last axis. A score whose denominator
        alone is 0, such as the precision where nothing is predicted, is 0.

    Example:
        Two hits with IoU 0.5 and 1, one false alarm, one miss:

        >>> scores = instance_scores([2, 1, 1, 1.5])
        >>> print(f"{scores.f1:.3f} {scores.ap:.3f} {scores.sq:.3f} {scores.pq:.3f}")
        0.667 0.500 0.750 0.500
    """
    values = np.asarray(counts, float)
    if values.ndim == 0 or values.shape[-1] != 4:
        raise ValueError(f"counts have 4 columns TP, FP, FN and sum of IoU, not the shape {values.shape}")
    hits, alarms, misses, iou_sum = np.moveaxis(values, -1, 0)
    nothing = hits + alarms + misses == 0

    def share(part: Scores, whole: Scores) -> Scores:
        ratio = np.divide(part, whole, out=np.zeros_like(whole), where=whole != 0)
        return np.where(nothing, empty, ratio)

    return InstanceScores(
        precision=share(hits, hits + alarms),
        recall=share(hits, hits + misses),
        f1=share(2 * hits, 2 * hits + alarms + misses),
        ap=share(hits, hits + alarms + misses),
        sq=share(iou_sum, hits),
        pq=share(2 * iou_sum, 2 * hits + alarms + misses),
    )


def mean_average_precision(pred: npt.ArrayLike, truth: npt.ArrayLike, empty: float = 1.0) -> float:
    """Mean of TP / (TP + FP + FN) over the thresholds 0.5, 0.55, … 0.95.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        empty: the value where both maps are empty.

    Returns:
        A number from 0 to 1.

    Example:
        IoU 3/5 is a match at 0.5, 0.55 and 0.6, three thresholds of ten:

        >>> mean_average_precision([[1, 1, 1, 0, 0]], [[1, 1, 1, 1, 1]])
        0.3
    """
    return float(instance_scores(instance_counts(pred, truth, AP_THRESHOLDS), empty).ap.mean())
