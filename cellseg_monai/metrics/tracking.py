"""Scores of the Cell Tracking Challenge: SEG of masks, and DET, LNK, TRA of the lineage graph.

The graph has a vertex for each cell in each frame, an edge to the same cell in the next frame, and an edge
from the last vertex of a mother to the first of each daughter. The scores compare the cost of correcting the
predicted graph by hand with the cost of drawing the true one from scratch (Matula et al. 2015).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.metrics.lineage import Graph, Vertex, lineage_graph
from cellseg_monai.metrics.matching import ObjectPairs, object_pairs

VERTEX_COSTS = {"splits": 5.0, "misses": 10.0, "alarms": 1.0}
EDGE_COSTS = {"redundant": 1.0, "missing": 1.5, "wrong": 1.0}


class TrackingScores(NamedTuple):
    """Scores of a sequence, and the numbers of errors behind them.

    Attributes:
        seg: segmentation, the mean over the true cells of the IoU with the prediction that covers more than
            half of the cell; 0 for a cell without such a prediction.
        det: detection score, from the vertices.
        lnk: linking score, from the edges.
        tra: tracking score, from both.
        splits: cells to split off from predictions that cover several cells (NS).
        misses: true cells without a prediction (FN).
        alarms: predictions without a true cell (FP).
        redundant: predicted edges between matched cells that the truth does not have (ED).
        missing: true edges that are not predicted (EA).
        wrong: edges that continue a track in one graph and lead to a daughter in the other (EC).

    Example:
        >>> tracking_scores([[[1, 2]]], [[[1, 0]]], [[1, 0, 0, 0], [2, 0, 0, 0]], [[1, 0, 0, 0]]).alarms
        1
    """

    seg: float
    det: float
    lnk: float
    tra: float
    splits: int
    misses: int
    alarms: int
    redundant: int
    missing: int
    wrong: int


def segmentation_score(
    pred: Iterable[npt.ArrayLike], truth: Iterable[npt.ArrayLike], empty: float = 1.0
) -> float:
    """SEG: Σ IoU of matched cells / number of true cells.

    A true cell matches the prediction that covers more than half of its pixels. Other predictions do not
    count.

    Args:
        pred: predicted label maps, frame by frame.
        truth: true label maps of the annotated frames.
        empty: score if the truth has no cells.

    Returns:
        Score from 0 to 1.

    Example:
        The prediction covers three of four pixels, IoU 3/4; the other cell is missed:

        >>> segmentation_score([[[1, 1, 1, 0, 0, 0]]], [[[5, 5, 5, 5, 0, 6]]])
        0.375
    """
    total, cells = 0.0, 0
    for one, other in zip(pred, truth, strict=True):
        pairs = object_pairs(one, other)
        total += pairs.iou[_covers(pairs)].sum()
        cells += len(pairs.truth_ids)
    return float(total / cells) if cells else empty


def tracking_scores(
    pred: Iterable[npt.ArrayLike],
    truth: Iterable[npt.ArrayLike],
    pred_tracks: npt.ArrayLike,
    truth_tracks: npt.ArrayLike,
    *,
    empty: float = 1.0,
) -> TrackingScores:
    """SEG, DET, LNK and TRA of a sequence.

        DET = 1 − min(D, D₀) / D₀,  D = 5·NS + 10·FN + FP,      D₀ = 10·vertices
        LNK = 1 − min(L, L₀) / L₀,  L = ED + 1.5·EA + EC,       L₀ = 1.5·edges
        TRA = 1 − min(D+L, D₀+L₀) / (D₀+L₀)

    Args:
        pred: predicted label maps, frame by frame, in which a cell keeps its id.
        truth: true label maps of the same frames.
        pred_tracks: predicted tracks, one per row as in ``res_track.txt``: id, first frame, last frame, id of
            the mother or 0. Frames count from 0.
        truth_tracks: true tracks in the same format, as in ``man_track.txt``.
        empty: SEG, DET or TRA if the truth has no cells, LNK if it has no edges, and nothing is predicted
            either; otherwise these scores are 0.

    Returns:
        Scores and numbers of errors.

    Raises:
        ValueError: If frames and tracks contradict each other.

    Example:
        One cell in three frames, lost in the last one: one vertex of three and one edge of two are missing.

        >>> cell, nothing = [[1]], [[0]]
        >>> scores = tracking_scores([cell, cell, nothing], [cell] * 3, [[1, 0, 1, 0]], [[1, 0, 2, 0]])
        >>> round(scores.det, 4), scores.lnk, round(scores.tra, 4)
        (0.6667, 0.5, 0.6515)
    """
    matched: dict[Vertex, Vertex] = {}
    shared_by_many: set[Vertex] = set()
    iou_sum, splits = 0.0, 0
    pred_ids, truth_ids = [], []
    for frame, (one, other) in enumerate(zip(pred, truth, strict=True)):
        pairs = object_pairs(one, other)
        covers = _covers(pairs)
        iou_sum += float(pairs.iou[covers].sum())
        pred_ids.append(pairs.pred_ids)
        truth_ids.append(pairs.truth_ids)
        for place in covers:
            predicted = (frame, int(pairs.pred_ids[pairs.pred[place]]))
            if predicted in matched:
                shared_by_many.add(predicted)
                splits += 1
            matched[predicted] = (frame, int(pairs.truth_ids[pairs.truth[place]]))
    pred_graph = lineage_graph(pred_ids, pred_tracks, "pred_tracks")
    truth_graph = lineage_graph(truth_ids, truth_tracks, "truth_tracks")
    unique = {one: other for one, other in matched.items() if one not in shared_by_many}
    cells, links = len(truth_graph.vertices), len(truth_graph.edges)
    errors = {
        "splits": splits,
        "misses": cells - len(matched) - splits,
        "alarms": len(pred_graph.vertices) - len(matched),
        **_edge_errors(pred_graph, truth_graph, unique),
    }
    detection, linking = _cost(VERTEX_COSTS, errors), _cost(EDGE_COSTS, errors)
    all_cells, all_links = VERTEX_COSTS["misses"] * cells, EDGE_COSTS["missing"] * links
    return TrackingScores(
        seg=iou_sum / cells if cells else empty,
        det=_saved(detection, all_cells, empty),
        lnk=_saved(linking, all_links, empty),
        tra=_saved(detection + linking, all_cells + all_links, empty),
        **errors,
    )


def _cost(costs: Mapping[str, float], errors: Mapping[str, int]) -> float:
    return sum(cost * errors[name] for name, cost in costs.items())


def _saved(cost: float, from_scratch: float, empty: float) -> float:
    """Fraction of the cost of drawing the graph from scratch that the prediction saves."""
    if from_scratch == 0:
        return empty if cost == 0 else 0.0
    return 1 - min(cost, from_scratch) / from_scratch


def _covers(pairs: ObjectPairs) -> npt.NDArray[np.int64]:
    """Pairs whose prediction covers more than half of the true cell, at most one for each true cell."""
    return np.flatnonzero(2 * pairs.shared > pairs.truth_sizes[pairs.truth])


def _edge_errors(pred: Graph, truth: Graph, partner: Mapping[Vertex, Vertex]) -> dict[str, int]:
    carried_over = {
        (partner[one], partner[other]): kind
        for (one, other), kind in pred.edges.items()
        if one in partner and other in partner
    }
    return {
        "redundant": sum(edge not in truth.edges for edge in carried_over),
        "missing": sum(edge not in carried_over for edge in truth.edges),
        "wrong": sum(truth.edges.get(edge, kind) != kind for edge, kind in carried_over.items()),
    }
