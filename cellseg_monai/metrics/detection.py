"""Are the cells found, and is their class right: F1d and F_c of the HoVerNet paper, from centroids."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from scipy import optimize, spatial

from cellseg_monai.label_maps import as_label_map
from cellseg_monai.metrics.classes import Classes, one_each
from cellseg_monai.metrics.matching import best_assignment

Pairing = Literal["hovernet", "near"]
Points = npt.NDArray[np.float64]

_MOST_DISTANCES = 10_000**2


class DetectionScores(NamedTuple):
    """Detection and classification as in the HoVerNet paper.

    Attributes:
        f1d: detection quality F_d = 2·TP / (2·TP + FP + FN), whatever the class.
        accuracy: share of the detected cells whose class is right; NaN if none is detected.
        f1_classes: F_c of each class.

    Example:
        >>> detection_scores([[1, 0]], [[1, 0]], [2], [3], classes=[2, 3]).accuracy
        0.0
    """

    f1d: float
    accuracy: float
    f1_classes: npt.NDArray[np.float64]


def detection_scores(
    pred: npt.ArrayLike,
    truth: npt.ArrayLike,
    pred_classes: npt.ArrayLike,
    truth_classes: npt.ArrayLike,
    classes: Sequence[int],
    radius: float = 12.0,
    pairing: Pairing = "hovernet",
    empty: float = 1.0,
) -> DetectionScores:
    """Pair centroids within a radius, then compare classes (Graham et al. 2019).

        F_c = 2·T_c / (2·T_c + 2·FP_c + 2·FN_c + FP_d + FN_d)

    T_c are the pairs of which both cells are of class c, FP_c and FN_c those of which only the predicted or
    only the true one is, FP_d and FN_d the cells of the class without partner.

    The paper's code pairs all cells at the least total distance, and then drops the pairs beyond the radius.
    So a far cell may take the partner of a near one, and F_d comes out too low where cells were missed. The
    pairing ``"near"`` has no such fault: as many pairs as possible within the radius, at the least total
    distance; and it needs no table of all distances.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        pred_classes: class of each predicted object, in ascending order of the ids.
        truth_classes: class of each true object, likewise.
        classes: those to score.
        radius: greatest distance of the centroids of a pair, in pixels; the paper has 12 at 40×.
        pairing: ``"hovernet"`` for figures beside published ones, ``"near"`` for the better measure and for
            slides.
        empty: the score where there is no cell to find and none is found.

    Returns:
        :class:`DetectionScores`.

    Raises:
        ValueError: an option is out of its range, or there are too many cells for ``"hovernet"``.

    Example:
        Both cells are found, one has the wrong class; F_1 = 2·1 / (2·1 + 2·1):

        >>> cells = [[1, 1, 2, 2]]
        >>> detection_scores(cells, cells, [1, 1], [1, 2], classes=[1, 2], radius=1)
        DetectionScores(f1d=1.0, accuracy=0.5, f1_classes=array([0.5, 0. ]))
    """
    if radius <= 0:
        raise ValueError(f"radius={radius} must be greater than 0, in pixels")
    if pairing not in get_args(Pairing):
        raise ValueError(f"pairing must be one of {', '.join(get_args(Pairing))}, not {pairing}")
    with ThreadPoolExecutor(2) as pool:
        pred_points, truth_points = pool.map(_centroids, (pred, truth))
    of_pred = one_each("pred_classes", pred_classes, len(pred_points))
    of_truth = one_each("truth_classes", truth_classes, len(truth_points))
    pair = _pair_near if pairing == "near" else _pair_as_hovernet
    first, second = pair(pred_points, truth_points, radius)
    one, other = of_pred[first], of_truth[second]
    alone = np.delete(of_pred, first), np.delete(of_truth, second)
    f1_classes = [_class_f1(one == c, other == c, alone[0] == c, alone[1] == c, empty) for c in classes]
    cells = len(of_pred) + len(of_truth)
    return DetectionScores(
        f1d=2 * len(first) / cells if cells else empty,
        accuracy=float((one == other).mean()) if len(first) else float("nan"),
        f1_classes=np.array(f1_classes, float),
    )


def _class_f1(
    one: npt.NDArray[np.bool_],
    other: npt.NDArray[np.bool_],
    alarms: npt.NDArray[np.bool_],
    misses: npt.NDArray[np.bool_],
    empty: float,
) -> float:
    right, wrong = 2 * int((one & other).sum()), 2 * int((one ^ other).sum())
    whole = right + wrong + int(alarms.sum()) + int(misses.sum())
    return right / whole if whole else empty


def _centroids(label_map: npt.ArrayLike) -> Points:
    """Mean position of each object. Runs of one id along the last axis are summed, not single pixels."""
    ids = as_label_map(label_map)
    begins = np.ones(ids.shape, bool)
    np.not_equal(ids[..., 1:], ids[..., :-1], out=begins[..., 1:])
    starts = np.flatnonzero(begins)
    lengths = np.diff(starts, append=ids.size)
    values = ids.ravel()[starts]
    starts, lengths, values = starts[values > 0], lengths[values > 0], values[values > 0]
    present, place = np.unique(values, return_inverse=True)
    positions = [axis.astype(float) for axis in np.unravel_index(starts, ids.shape)]
    positions[-1] += (lengths - 1) / 2
    sums = [np.bincount(place, position * lengths, minlength=len(present)) for position in positions]
    return np.stack(sums, axis=1) / np.bincount(place, lengths, minlength=len(present))[:, None]


def _pair_as_hovernet(first: Points, second: Points, radius: float) -> tuple[Classes, Classes]:
    if len(first) * len(second) > _MOST_DISTANCES:
        raise ValueError(
            f"{len(first)} × {len(second)} distances are too many for pairing='hovernet'; "
            "use 'near', or score the image in tiles"
        )
    distances = spatial.distance.cdist(first, second)
    row, column = optimize.linear_sum_assignment(distances)
    near = distances[row, column] <= radius
    return row[near], column[near]


def _pair_near(first: Points, second: Points, radius: float) -> tuple[Classes, Classes]:
    near = spatial.KDTree(first).sparse_distance_matrix(
        spatial.KDTree(second), radius, output_type="coo_matrix"
    )
    gain = 2 - near.data / (radius * (len(near.data) + 1))
    chosen = best_assignment(near.row.astype(np.int64), near.col.astype(np.int64), gain)
    return near.row[chosen].astype(np.int64), near.col[chosen].astype(np.int64)
