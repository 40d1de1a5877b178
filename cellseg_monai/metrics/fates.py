"""Fate of each object: matched, missed, added, split or merged. Each object has one fate."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics.counting import containment
from cellseg_monai.metrics.matching import match_objects, object_pairs


class Fates(NamedTuple):
    """Objects by fate, each kind as a label map.

    Attributes:
        matched: predictions that match a true object.
        missed: true objects without a corresponding prediction.
        added: predictions without a corresponding true object.
        split: true objects that contain at least two predictions.
        merged: predictions that contain at least two true objects.

    Example:
        >>> fates = object_fates(np.array([[1, 1, 2, 2, 0, 3]]), np.array([[4, 4, 4, 4, 0, 0]]))
        >>> fates.split.tolist(), fates.added.tolist()
        ([[4, 4, 4, 4, 0, 0]], [[0, 0, 0, 0, 0, 3]])
    """

    matched: LabelMap
    missed: LabelMap
    added: LabelMap
    split: LabelMap
    merged: LabelMap

    def counts(self) -> dict[str, int]:
        """Number of objects of each kind."""
        return {
            kind: int(np.count_nonzero(np.unique(label_map))) for kind, label_map in self._asdict().items()
        }


def object_fates(pred: LabelMap, truth: LabelMap, threshold: float = 0.5) -> Fates:
    """Sort objects by fate.

    An object lies in another one if more than half of its pixels do. A true cell in two pieces counts as one
    split, not as a miss and two additions, even if one of the pieces is large enough to match. The same holds
    for merges.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        threshold: IoU threshold; a pair matches at or above it.

    Returns:
        Label maps of the objects of each fate.

    Example:
        >>> object_fates(np.array([[1, 1, 1, 1]]), np.array([[1, 1, 2, 2]])).counts()
        {'matched': 0, 'missed': 0, 'added': 0, 'split': 0, 'merged': 1}
    """
    pairs = object_pairs(pred, truth)
    n_pred, n_truth = len(pairs.pred_ids), len(pairs.truth_ids)
    pred_inside, truth_inside = containment(pairs)
    split = np.bincount(pairs.truth[pred_inside], minlength=n_truth) > 1
    merged = np.bincount(pairs.pred[truth_inside], minlength=n_pred) > 1
    of_split = _flags(pairs.pred[pred_inside & split[pairs.truth]], n_pred)
    of_merged = _flags(pairs.truth[truth_inside & merged[pairs.pred]], n_truth)
    chosen = match_objects(pairs, threshold)
    pred_matched, truth_matched = _flags(pairs.pred[chosen], n_pred), _flags(pairs.truth[chosen], n_truth)
    return Fates(
        matched=_only(pred, pairs.pred_ids[pred_matched & ~of_split & ~merged]),
        missed=_only(truth, pairs.truth_ids[~truth_matched & ~of_merged & ~split]),
        added=_only(pred, pairs.pred_ids[~pred_matched & ~of_split & ~merged]),
        split=_only(truth, pairs.truth_ids[split]),
        merged=_only(pred, pairs.pred_ids[merged]),
    )


def pixel_fates(pred: LabelMap, truth: LabelMap) -> Fates:
    """Pixels of two binary masks that are in both, missed, or added.

    Example:
        >>> fates = pixel_fates(np.array([[1, 1, 0]]), np.array([[0, 1, 1]]))
        >>> fates.matched.tolist(), fates.missed.tolist(), fates.added.tolist()
        ([[0, 1, 0]], [[0, 0, 1]], [[1, 0, 0]])
    """
    one, other = pred > 0, truth > 0
    nothing = np.zeros(pred.shape, np.int32)
    both, missed, added = (part.astype(np.int32) for part in (one & other, other & ~one, one & ~other))
    return Fates(both, missed, added, nothing, nothing)


def _flags(places: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.bool_]:
    return np.isin(np.arange(length), places)


def _only(label_map: LabelMap, ids: npt.NDArray[np.int64]) -> LabelMap:
    return np.where(np.isin(label_map, ids), label_map, 0).astype(np.int32)
