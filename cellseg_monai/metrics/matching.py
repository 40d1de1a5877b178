"""Which predicted object is which true object: the one table that every instance metric is made from.

All pairs of objects that share a pixel come from one overlap matrix. There are a few per object, so whatever
is asked of them afterwards is cheap, also for a slide with 100,000 cells.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cellseg_monai.label_maps import overlap_matrix

Counts = npt.NDArray[np.int64]


class ObjectPairs(NamedTuple):
    """Each pair of a predicted and a true object that share pixels.

    Attributes:
        pred: place of the pair's predicted object among ``pred_ids``.
        truth: place of the pair's true object among ``truth_ids``.
        shared: pixels that the two have in common.
        iou: intersection over union, shared / (size of one + size of the other − shared).
        pred_ids: ids of the predicted objects, ascending, without the background.
        truth_ids: ids of the true objects, likewise.
        pred_sizes: pixels of each predicted object.
        truth_sizes: pixels of each true object.

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
        The pairs, in the order of the predicted and then of the true ids. Pixels that carry one id are one
        object, wherever they lie.

    Raises:
        ValueError: the shapes differ, or an array is no label map.

    Example:
        >>> object_pairs([[1, 1, 2, 2]], [[3, 3, 3, 0]]).iou.round(2)
        array([0.67, 0.25])
    """
    overlap = overlap_matrix(pred, truth)
    counts = overlap.counts.tocoo()
    pred_sizes = np.asarray(overlap.counts.sum(axis=1)).ravel()[1:]
    truth_sizes = np.asarray(overlap.counts.sum(axis=0)).ravel()[1:]
    rows, columns = counts.coords
    objects = (rows > 0) & (columns > 0)
    first, second = rows[objects].astype(np.int64) - 1, columns[objects].astype(np.int64) - 1
    shared = counts.data[objects].astype(np.int64)
    order = np.lexsort((second, first))
    first, second, shared = first[order], second[order], shared[order]
    iou = shared / (pred_sizes[first] + truth_sizes[second] - shared)
    return ObjectPairs(
        first, second, shared, iou, overlap.row_ids[1:], overlap.column_ids[1:], pred_sizes, truth_sizes
    )


def match_objects(pairs: ObjectPairs, threshold: float = 0.5) -> Counts:
    """Choose pairs with IoU ≥ threshold so that each object is in one pair at most.

    As many pairs as possible are chosen, and among such choices the one with the greatest sum of IoU. Above
    0.5 an object can have only one partner, so there is nothing to choose; at and below it there may be.

    Args:
        pairs: from :func:`object_pairs`.
        threshold: least IoU of a match, in (0, 1].

    Returns:
        Places of the chosen pairs in the table, ascending.

    Raises:
        ValueError: the threshold is out of its range.

    Example:
        One true object of four pixels in two halves: both halves have IoU 0.5, one of them matches.

        >>> pairs = object_pairs([[1, 1, 2, 2]], [[3, 3, 3, 3]])
        >>> len(pairs.iou), len(match_objects(pairs, 0.5)), len(match_objects(pairs, 0.51))
        (2, 1, 0)
    """
    check_threshold(threshold)
    eligible = np.flatnonzero(pairs.iou >= threshold)
    rivals_of_pred = np.bincount(pairs.pred[eligible], minlength=len(pairs.pred_ids))
    rivals_of_truth = np.bincount(pairs.truth[eligible], minlength=len(pairs.truth_ids))
    contested = (rivals_of_pred[pairs.pred[eligible]] > 1) | (rivals_of_truth[pairs.truth[eligible]] > 1)
    disputes = eligible[contested]
    settled = disputes[best_assignment(pairs.pred[disputes], pairs.truth[disputes], pairs.iou[disputes])]
    return np.union1d(eligible[~contested], settled)


def best_assignment(first: Counts, second: Counts, worth: npt.NDArray[np.float64]) -> Counts:
    """Choose most edges of a sparse bipartite graph, then those of the greatest worth in 0…1.

    Args:
        first: object of one side of each edge.
        second: object of the other side.
        worth: what an edge is worth.

    Returns:
        Places of the chosen edges.

    Example:
        >>> best_assignment(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.9, 0.1, 0.1]))
        array([1, 2])
    """
    if not len(worth):
        return np.empty(0, np.int64)
    rows, row = np.unique(first, return_inverse=True)
    columns, column = np.unique(second, return_inverse=True)
    # Every row also has a column of its own that stands for "no partner". One edge more saves 1, all that
    # the worths of n edges can save together is less than 1.
    alone = np.arange(len(rows))
    bonus = worth / (2 * len(rows))
    cost = np.concatenate([2 - bonus, np.full(len(rows), 3.0)])
    place = (np.concatenate([row, alone]), np.concatenate([column, len(columns) + alone]))
    graph = sparse.csr_array((cost, place), shape=(len(rows), len(columns) + len(rows)))
    chosen_row, chosen_column = sparse.csgraph.min_weight_full_bipartite_matching(graph)
    partner = np.full(len(rows), -1)
    partner[chosen_row] = chosen_column
    return np.flatnonzero(partner[row] == column)


def check_threshold(threshold: float) -> None:
    """Refuse an IoU threshold outside (0, 1].

    Example:
        >>> check_threshold(50)
        Traceback (most recent call last):
        ...
        ValueError: threshold=50 is no IoU to match at; it lies above 0 and at most at 1
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold={threshold} is no IoU to match at; it lies above 0 and at most at 1")
