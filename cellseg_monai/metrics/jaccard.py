"""Aggregated Jaccard index of Kumar et al. (MoNuSeg), and AJI+ of HoVerNet, which pairs one to one.

Both weigh an object by its pixels: intersections / (unions + pixels of all that has no partner), each summed.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.metrics.cumulative import LabelMapMetric, Reduction
from cellseg_monai.metrics.matching import Counts, ObjectPairs, best_assignment, object_pairs


def jaccard_counts(pairs: ObjectPairs, plus: bool = False) -> npt.NDArray[np.float64]:
    """Sum of intersections and of unions, the two parts of the index.

    Args:
        pairs: from :func:`~cellseg_monai.metrics.object_pairs`.
        plus: pair one to one.

    Returns:
        Two pixel counts; add those of several images to pool them.

    Example:
        >>> jaccard_counts(object_pairs([[1, 1, 1, 0, 2]], [[0, 5, 5, 5, 0]]))
        array([2., 5.])
    """
    partners = _one_to_one(pairs) if plus else _best_of_each_truth(pairs)
    pred, truth, shared = pairs.pred[partners], pairs.truth[partners], pairs.shared[partners]
    union = (pairs.pred_sizes[pred] + pairs.truth_sizes[truth] - shared).sum()
    left_pred = pairs.pred_sizes.sum() - pairs.pred_sizes[np.unique(pred)].sum()
    left_truth = pairs.truth_sizes.sum() - pairs.truth_sizes[np.unique(truth)].sum()
    return np.array([shared.sum(), union + left_pred + left_truth], float)


def _best_of_each_truth(pairs: ObjectPairs) -> Counts:
    """For each true object the prediction of greatest IoU; of equal ones that with more shared pixels."""
    order = np.lexsort((pairs.pred, -pairs.shared, -pairs.iou, pairs.truth))
    _, first = np.unique(pairs.truth[order], return_index=True)
    return order[first]


def _one_to_one(pairs: ObjectPairs) -> Counts:
    return best_assignment(pairs.pred, pairs.truth, pairs.iou)


def jaccard_score(counts: npt.ArrayLike, empty: float = 1.0) -> npt.NDArray[np.float64]:
    """Intersections over unions, ``empty`` where there is neither.

    Example:
        >>> jaccard_score([[2, 5], [0, 0]])
        array([0.4, 1. ])
    """
    shared, union = np.moveaxis(np.asarray(counts, float), -1, 0)
    score: npt.NDArray[np.float64] = np.full_like(union, empty)
    np.divide(shared, union, out=score, where=union > 0)
    return score


def aggregated_jaccard(pred: npt.ArrayLike, truth: npt.ArrayLike, empty: float = 1.0) -> float:
    """AJI = Σ|Tᵢ ∩ Pⱼ₍ᵢ₎| / (Σ|Tᵢ ∪ Pⱼ₍ᵢ₎| + Σ|unused P|).

    Tᵢ are the true objects and Pⱼ₍ᵢ₎ is the prediction of greatest IoU with Tᵢ; a prediction may serve more
    than one, and its pixels then count each time.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        empty: the value where both maps are empty.

    Returns:
        A number from 0 to 1.

    Example:
        The union of the pair has 4 pixels, one predicted pixel is left over: 2 / (4 + 1):

        >>> aggregated_jaccard([[1, 1, 1, 0, 2]], [[0, 5, 5, 5, 0]])
        0.4
    """
    return float(jaccard_score(jaccard_counts(object_pairs(pred, truth)), empty))


def aggregated_jaccard_plus(pred: npt.ArrayLike, truth: npt.ArrayLike, empty: float = 1.0) -> float:
    """AJI+: as AJI, but each prediction serves one true object at most.

    Of all pairings that with the greatest sum of IoU is taken. AJI punishes one merged prediction twice or
    more; AJI+ does so once.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        empty: the value where both maps are empty.

    Returns:
        A number from 0 to 1.

    Example:
        One prediction over two true cells. AJI: (2 + 2) / (4 + 4). AJI+: 2 / (4 + 2):

        >>> pred, truth = [[1, 1, 1, 1]], [[1, 1, 2, 2]]
        >>> f"{aggregated_jaccard(pred, truth):.3f} {aggregated_jaccard_plus(pred, truth):.3f}"
        '0.500 0.333'
    """
    return float(jaccard_score(jaccard_counts(object_pairs(pred, truth), plus=True), empty))


class JaccardMetric(LabelMapMetric):
    """AJI or AJI+, collected over images.

    Args:
        plus: pair one to one.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: pixels of all images together.
        empty: the value of an image without objects in either map; NaN leaves it out.

    Example:
        >>> import torch
        >>> metric = JaccardMetric(plus=True)
        >>> metric(torch.tensor([[[[1, 1, 1, 1]]]]), torch.tensor([[[[1, 1, 2, 2]]]]))
        tensor([[0.3333]], dtype=torch.float64)
    """

    def __init__(self, plus: bool = False, reduction: Reduction = "mean", empty: float = 1.0) -> None:
        super().__init__(reduction)
        self.plus = plus
        self.empty = empty

    def count(self, pred: npt.NDArray[Any], truth: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Intersections and unions."""
        return jaccard_counts(object_pairs(pred, truth), self.plus)

    def score(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The index, in one column."""
        return jaccard_score(counts, self.empty)[:, None]
