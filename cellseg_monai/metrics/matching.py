"""Matching of predicted and true objects: one table of pairs, from which all instance metrics are computed.

All pairs of objects that share pixels come from one overlap matrix. There are only a few per object, so all
metrics are cheap once they are known, even for a slide with 100,000 cells.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cellseg_monai.label_maps import overlap_matrix

Counts = npt.NDArray[np.int64]


class ObjectPairs(NamedTuple):
    """All pairs of a predicted and a true object that share pixels.

    Attributes:
        pred: index of the predicted object of each pair in ``pred_ids``.
        truth: index of the true object of each pair in ``truth_ids``.
        shared: number of shared pixels.
        iou: intersection over union, shared / (predicted size + true size − shared).
        pred_ids: ids of the predicted objects, ascending, without background.
        truth_ids: ids of the true objects, ascending, without background.
        pred_sizes: number of pixels of each predicted object.
        truth_sizes: number of pixels of each true object.

    Example:
        >>> pairs = object_pairs([[1, 1, 1, 0]], [[0, 7, 7, 7]])
        >>> pairs.iou, pairs.pred_sizes, pairs.truth_ids
        (array([0.5]), array([3]), array([7]))
    """

    pred: Counts
    truth: Counts
    shared: Counts
    iou: npt.NDArray[np.float64]
    pred_ids: Counts
    truth_ids: Counts
    pred_sizes: Counts
    truth_sizes: Counts


def object_pairs(pred: npt.ArrayLike, truth: npt.ArrayLike) -> ObjectPairs:
    """Find all pairs of objects that share pixels.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.

    Returns:
        Pairs in the order of the predicted and then of the true ids. Pixels with the same id are one object,
        wherever they lie.

    Raises:
        ValueError: If the shapes differ, or an array is not a label map.

    Example:
        >>> object_pairs([[1, 1, 2, 2]], [[3, 3, 3, 0]]).iou.round(2)
        array([0.67, 0.25])
    """
    overlap = overlap_matrix(pred, truth)
    both = overlap.counts[1:, 1:].tocoo()  # in the order of rows, then columns
    first, second, shared = (part.astype(np.int64) for part in (both.row, both.col, both.data))
    pred_sizes = np.asarray(overlap.counts.sum(axis=1)).ravel()[1:]
    truth_sizes = np.asarray(overlap.counts.sum(axis=0)).ravel()[1:]
    iou = shared / (pred_sizes[first] + truth_sizes[second] - shared)
    return ObjectPairs(
        first, second, shared, iou, overlap.row_ids[1:], overlap.column_ids[1:], pred_sizes, truth_sizes
    )


def match_objects(pairs: ObjectPairs, threshold: float = 0.5) -> Counts:
    """Choose pairs with IoU ≥ threshold such that each object is in one pair at most.

    The choice has as many pairs as possible and, among these, the largest sum of IoU. Above 0.5 an object has
    at most one candidate; at and below 0.5 it may have several.

    Args:
        pairs: pairs from :func:`object_pairs`.
        threshold: IoU threshold in (0, 1].

    Returns:
        Indices of the chosen pairs, ascending.

    Raises:
        ValueError: If the threshold is out of range.

    Example:
        Two predictions each cover half of a true object: both have IoU 0.5, one of them matches.

        >>> pairs = object_pairs([[1, 1, 2, 2]], [[3, 3, 3, 3]])
        >>> len(pairs.iou), len(match_objects(pairs, 0.5)), len(match_objects(pairs, 0.51))
        (2, 1, 0)
    """
    check_threshold(threshold)
    eligible = np.flatnonzero(pairs.iou >= threshold)
    # One more match gains 1; the IoU of all matches together gains less than 1.
    gain = 1 + pairs.iou[eligible] / (2 * len(eligible) + 1)
    return eligible[best_assignment(pairs.pred[eligible], pairs.truth[eligible], gain)]


def best_assignment(first: Counts, second: Counts, gain: npt.NDArray[np.float64]) -> Counts:
    """Choose edges of a sparse bipartite graph, at most one per node, with the largest sum of gains.

    Args:
        first: node of each edge on one side.
        second: node of each edge on the other side.
        gain: gain of choosing each edge, above 0.

    Returns:
        Indices of the chosen edges, ascending.

    Example:
        >>> best_assignment(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.5, 0.5]))
        array([1, 2])
    """
    chosen = [np.empty(0, np.int64)]
    open_edges = np.arange(len(gain))
    while len(open_edges):
        one, other, worth = first[open_edges], second[open_edges], gain[open_edges]
        # An edge that gains more than its best rivals at both nodes together is in every optimal choice.
        clear = worth > _best_rival(one, worth) + _best_rival(other, worth)
        if not clear.any():
            chosen.append(open_edges[_settle(one, other, worth)])
            break
        chosen.append(open_edges[clear])
        open_edges = open_edges[~(np.isin(one, one[clear]) | np.isin(other, other[clear]))]
    return np.sort(np.concatenate(chosen))


def _best_rival(node: Counts, gain: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Largest gain of another edge at the node of each edge; 0 if there is no other."""
    order = np.lexsort((-gain, node))
    starts = np.flatnonzero(np.diff(node[order], prepend=-1))
    lengths = np.diff(starts, append=len(node))
    best, second = gain[order[starts]], np.zeros(len(starts))
    second[lengths > 1] = gain[order[starts[lengths > 1] + 1]]
    rival = np.repeat(best, lengths)
    rival[starts] = second
    result = np.empty_like(rival)
    result[order] = rival
    return result


def _settle(first: Counts, second: Counts, gain: npt.NDArray[np.float64]) -> Counts:
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    # SciPy's sparse solver needs a partner for every row and no cost of 0. Each row therefore gets an extra
    # column of its own, which means "no partner" and gains nothing.
    alone = np.arange(len(rows))
    highest = gain.max() + 1
    cost = np.concatenate([highest - gain, np.full(len(rows), highest)])
    place = np.stack([np.concatenate([row, alone]), np.concatenate([column, len(columns) + alone])])
    # SciPy releases such as 1.14 keep the dtype of the indices and only solve for int32.
    graph = sparse.csr_array((cost, place.astype(np.int32)), shape=(len(rows), len(columns) + len(rows)))
    chosen_row, chosen_column = sparse.csgraph.min_weight_full_bipartite_matching(graph)
    partner = np.full(len(rows), -1)
    partner[chosen_row] = chosen_column
    return np.flatnonzero(partner[row] == column)


def keep_objects(
    pairs: ObjectPairs, pred_kept: npt.NDArray[np.bool_], truth_kept: npt.NDArray[np.bool_]
) -> ObjectPairs:
    """Keep some objects, as if the others had been erased from the maps.

    Args:
        pairs: pairs from :func:`object_pairs`.
        pred_kept: whether to keep each predicted object, in the order of ``pred_ids``.
        truth_kept: whether to keep each true object, in the order of ``truth_ids``.

    Returns:
        Pairs whose objects are both kept.

    Example:
        >>> pairs = object_pairs([[1, 2, 2]], [[3, 3, 4]])
        >>> kept = keep_objects(pairs, pairs.pred_ids == 2, pairs.truth_ids > 0)
        >>> kept.pred_ids, kept.truth_ids, kept.shared
        (array([2]), array([3, 4]), array([1, 1]))
    """
    for name, kept, ids in (("pred", pred_kept, pairs.pred_ids), ("truth", truth_kept, pairs.truth_ids)):
        if len(kept) != len(ids):
            raise ValueError(f"{name}_kept has {len(kept)} entries for {len(ids)} objects; give one for each")
    stays = pred_kept[pairs.pred] & truth_kept[pairs.truth]
    return ObjectPairs(
        (np.cumsum(pred_kept) - 1)[pairs.pred[stays]],
        (np.cumsum(truth_kept) - 1)[pairs.truth[stays]],
        pairs.shared[stays],
        pairs.iou[stays],
        pairs.pred_ids[pred_kept],
        pairs.truth_ids[truth_kept],
        pairs.pred_sizes[pred_kept],
        pairs.truth_sizes[truth_kept],
    )


def check_threshold(threshold: float) -> None:
    """Raise if an IoU threshold is outside (0, 1].

    Example:
        >>> check_threshold(50)
        Traceback (most recent call last):
        ...
        ValueError: threshold=50 is not an IoU; it must be above 0 and at most 1
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold={threshold} is not an IoU; it must be above 0 and at most 1")
