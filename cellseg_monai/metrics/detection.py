"""Detection and classification of cells: F_d and F_c of the HoVerNet paper, from centroids."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import cc3d
import numpy as np
import numpy.typing as npt
from scipy import optimize, spatial

from cellseg_monai.label_maps import relabel
from cellseg_monai.metrics.classes import Classes, one_each
from cellseg_monai.metrics.matching import best_assignment

Pairing = Literal["hovernet", "near"]
Points = npt.NDArray[np.float64]

_MOST_DISTANCES = 10_000**2


class DetectionScores(NamedTuple):
    """Detection and classification scores as in the HoVerNet paper.

    Attributes:
        f1d: detection quality F_d = 2·TP / (2·TP + FP + FN), whatever the class.
        accuracy: fraction of the detected cells with the right class; NaN if none is detected.
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
    *,
    classes: Sequence[int],
    radius: float = 12.0,
    pairing: Pairing = "hovernet",
    empty: float = 1.0,
) -> DetectionScores:
    """Pair centroids within a radius, then compare the classes of each pair (Graham et al. 2019).

        F_c = 2·T_c / (2·T_c + 2·FP_c + 2·FN_c + FP_d + FN_d)

    T_c are the pairs in which both cells have class c, FP_c and FN_c those in which only the predicted or
    only the true cell has it, FP_d and FN_d the unpaired cells of the class.

    The code of the paper pairs all cells at the smallest total distance and then drops pairs beyond the
    radius. A distant cell may therefore take the partner of a near one, and F_d is too low where cells were
    missed. The pairing ``"near"`` avoids this: it makes as many pairs as possible within the radius, at the
    smallest total distance, and does not need all pairwise distances.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        pred_classes: class of each predicted object, in ascending order of the ids.
        truth_classes: class of each true object, in the same order.
        classes: classes to score.
        radius: largest distance in pixels between the centroids of a pair; the paper uses 12 at 40×.
        pairing: ``"hovernet"`` to compare with published values, ``"near"`` for the better measure and for
            slides.
        empty: score where there is no cell to find and none is found.

    Returns:
        Scores of detection and of each class.

    Raises:
        ValueError: If an option is out of range, or there are too many cells for ``"hovernet"``.

    Example:
        Both cells are found, one has the wrong class; F_1 = 2·1 / (2·1 + 2·1):

        >>> cells = [[1, 1, 2, 2]]
        >>> detection_scores(cells, cells, [1, 1], [1, 2], classes=[1, 2], radius=1)
        DetectionScores(f1d=1.0, accuracy=0.5, f1_classes=array([0.5, 0. ]))
    """
    if radius <= 0:
        raise ValueError(f"radius={radius} must be above 0, in pixels")
    if pairing not in get_args(Pairing):
        raise ValueError(f"pairing must be one of {', '.join(get_args(Pairing))}, not {pairing}")
    pred_points, truth_points = _centroids(pred), _centroids(truth)
    of_pred = one_each("pred_classes", pred_classes, len(pred_points))
    of_truth = one_each("truth_classes", truth_classes, len(truth_points))
    pair = _pair_near if pairing == "near" else _pair_as_hovernet
    first, second = pair(pred_points, truth_points, radius)
    one, other = of_pred[first], of_truth[second]
    unpaired = np.concatenate([np.delete(of_pred, first), np.delete(of_truth, second)])

    def f1(c: int) -> float:
        right, wrong = 2 * int(((one == c) & (other == c)).sum()), 2 * int(((one == c) ^ (other == c)).sum())
        whole = right + wrong + int((unpaired == c).sum())
        return right / whole if whole else empty

    cells = len(of_pred) + len(of_truth)
    return DetectionScores(
        f1d=2 * len(first) / cells if cells else empty,
        accuracy=float((one == other).mean()) if len(first) else float("nan"),
        f1_classes=np.array([f1(c) for c in classes], float),
    )


def _centroids(label_map: npt.ArrayLike) -> Points:
    """Mean position of each object, in ascending order of the ids."""
    statistics = cc3d.statistics(relabel(label_map).view(np.uint32))
    centroids: Points = statistics["centroids"][1:]
    return centroids


def _pair_as_hovernet(first: Points, second: Points, radius: float) -> tuple[Classes, Classes]:
    if len(first) * len(second) > _MOST_DISTANCES:
        raise ValueError(f"{len(first)} × {len(second)} distances are too many; use pairing='near'")
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
