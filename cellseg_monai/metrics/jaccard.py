"""Aggregated Jaccard index of Kumar et al. (MoNuSeg), and AJI+ of HoVerNet with one-to-one pairs.

Both weight objects by their pixels: intersections / (unions + pixels of unpaired objects), each summed.
"""

import numpy as np
import numpy.typing as npt

from cellseg_monai.metrics.matching import Counts, ObjectPairs, best_assignment, object_pairs
from cellseg_monai.metrics.ratio import Scores, ratio


def jaccard_counts(pairs: ObjectPairs, plus: bool = False) -> Scores:
    """Sums of intersections and of unions, the two parts of the index.

    Args:
        pairs: pairs from :func:`~cellseg_monai.metrics.object_pairs`.
        plus: whether to pair one to one.

    Returns:
        Two pixel counts; add those of several images to pool them.

    Example:
        >>> jaccard_counts(object_pairs([[1, 1, 1, 0, 2]], [[0, 5, 5, 5, 0]]))
        array([2., 5.])
    """
    partners = best_assignment(pairs.pred, pairs.truth, pairs.iou) if plus else _best_of_each_truth(pairs)
    pred, truth, shared = pairs.pred[partners], pairs.truth[partners], pairs.shared[partners]
    union = (pairs.pred_sizes[pred] + pairs.truth_sizes[truth] - shared).sum()
    unpaired_pred = pairs.pred_sizes.sum() - pairs.pred_sizes[np.unique(pred)].sum()
    unpaired_truth = pairs.truth_sizes.sum() - pairs.truth_sizes[np.unique(truth)].sum()
    return np.array([shared.sum(), union + unpaired_pred + unpaired_truth], float)


def _best_of_each_truth(pairs: ObjectPairs) -> Counts:
    """Prediction with the largest IoU for each true object; in a tie, the one with more shared pixels."""
    order = np.lexsort((pairs.pred, -pairs.shared, -pairs.iou, pairs.truth))
    _, first = np.unique(pairs.truth[order], return_index=True)
    return order[first]


def jaccard_score(counts: npt.ArrayLike, empty: float = 1.0) -> Scores:
    """Intersections over unions, or ``empty`` if there are none.

    Example:
        >>> jaccard_score([[2, 5], [0, 0]])
        array([0.4, 1. ])
    """
    shared, union = np.moveaxis(np.asarray(counts, float), -1, 0)
    return ratio(shared, union, empty)


def aggregated_jaccard(pred: npt.ArrayLike, truth: npt.ArrayLike, empty: float = 1.0) -> float:
    """AJI = Σ|Tᵢ ∩ Pⱼ₍ᵢ₎| / (Σ|Tᵢ ∪ Pⱼ₍ᵢ₎| + Σ|unpaired P|).

    Tᵢ are the true objects and Pⱼ₍ᵢ₎ is the prediction with the largest IoU with Tᵢ. One prediction may be
    paired with several true objects, and its pixels then count each time.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        empty: score if both maps are empty.

    Returns:
        Score from 0 to 1.

    Example:
        The union of the pair has 4 pixels, one predicted pixel is unpaired: 2 / (4 + 1):

        >>> aggregated_jaccard([[1, 1, 1, 0, 2]], [[0, 5, 5, 5, 0]])
        0.4
    """
    return float(jaccard_score(jaccard_counts(object_pairs(pred, truth)), empty))


def aggregated_jaccard_plus(pred: npt.ArrayLike, truth: npt.ArrayLike, empty: float = 1.0) -> float:
    """AJI+: like AJI, but each prediction is paired with one true object at most.

    The pairing has the largest possible sum of IoU. AJI penalises one merged prediction twice or more, AJI+
    once.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        empty: score if both maps are empty.

    Returns:
        Score from 0 to 1.

    Example:
        One prediction over two true cells. AJI: (2 + 2) / (4 + 4). AJI+: 2 / (4 + 2):

        >>> pred, truth = [[1, 1, 1, 1]], [[1, 1, 2, 2]]
        >>> f"{aggregated_jaccard(pred, truth):.3f} {aggregated_jaccard_plus(pred, truth):.3f}"
        '0.500 0.333'
    """
    return float(jaccard_score(jaccard_counts(object_pairs(pred, truth), plus=True), empty))
