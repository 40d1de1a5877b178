"""What became of each object: found, missed, invented, split or merged. Each is told once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics.matching import match_objects, object_pairs


class Fates(NamedTuple):
    """Objects by what became of them, each kind as a label map.

    Attributes:
        matched: predictions that match a true object.
        missed: true objects that no prediction stands for.
        added: predictions that stand for no true object.
        split: true objects in which at least two predictions lie.
        merged: predictions in which at least two true objects lie.

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
        """How many objects of each kind."""
        return {
            kind: int(np.count_nonzero(np.unique(label_map))) for kind, label_map in self._asdict().items()
        }


def object_fates(pred: LabelMap, truth: LabelMap, threshold: float = 0.5) -> Fates:
    """Sort objects by what became of them.

    An object lies in another if more than half of its pixels do. A true cell in two pieces is told as one
    split, not as a miss and two inventions, also where one of the pieces is large enough to match; likewise a
    merge.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        threshold: least IoU of a match.

    Returns:
        :class:`Fates`.

    Example:
        >>> object_fates(np.array([[1, 1, 1, 1]]), np.array([[1, 1, 2, 2]])).counts()
        {'matched': 0, 'missed': 0, 'added': 0, 'split': 0, 'merged': 1}
    """
    pairs = object_pairs(pred, truth)
    n_pred, n_truth = len(pairs.pred_ids), len(pairs.truth_ids)
    pred_inside = pairs.shared > 0.5 * pairs.pred_sizes[pairs.pred]
    truth_inside = pairs.shared > 0.5 * pairs.truth_sizes[pairs.truth]
    split = np.bincount(pairs.truth[pred_inside], minlength=n_truth) > 1
    merged = np.bincount(pairs.pred[truth_inside], minlength=n_pred) > 1
    of_split, of_merged = np.zeros(n_pred, bool), np.zeros(n_truth, bool)
    of_split[pairs.pred[pred_inside & split[pairs.truth]]] = True
    of_merged[pairs.truth[truth_inside & merged[pairs.pred]]] = True
    chosen = match_objects(pairs, threshold)
    pred_hit, truth_hit = np.zeros(n_pred, bool), np.zeros(n_truth, bool)
    pred_hit[pairs.pred[chosen]] = True
    truth_hit[pairs.truth[chosen]] = True

    def only(label_map: LabelMap, ids: npt.NDArray[np.int64]) -> LabelMap:
        return np.where(np.isin(label_map, ids), label_map, 0).astype(np.int32)

    return Fates(
        matched=only(pred, pairs.pred_ids[pred_hit & ~of_split & ~merged]),
        missed=only(truth, pairs.truth_ids[~truth_hit & ~of_merged & ~split]),
        added=only(pred, pairs.pred_ids[~pred_hit & ~of_split & ~merged]),
        split=only(truth, pairs.truth_ids[split]),
        merged=only(pred, pairs.pred_ids[merged]),
    )


def pixel_fates(pred: LabelMap, truth: LabelMap) -> Fates:
    """The same for binary masks: pixels that both have, that are missed, that are added.

    Example:
        >>> fates = pixel_fates(np.array([[1, 1, 0]]), np.array([[0, 1, 1]]))
        >>> fates.matched.tolist(), fates.missed.tolist(), fates.added.tolist()
        ([[0, 1, 0]], [[0, 0, 1]], [[1, 0, 0]])
    """
    one, other = pred > 0, truth > 0
    nothing = np.zeros(pred.shape, np.int32)
    hit, missed, added = (part.astype(np.int32) for part in (one & other, other & ~one, one & ~other))
    return Fates(hit, missed, added, nothing, nothing)
