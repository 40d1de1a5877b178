"""Scores of each class of cells: objects matched within the class, or found first and then classified (F1d).

The class of an object comes as an array with one entry an object, in ascending order of the ids.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import spatial

from cellseg_monai.label_maps import as_label_map, overlap_matrix
from cellseg_monai.metrics.instance import pair_counts
from cellseg_monai.metrics.matching import ObjectPairs, best_assignment, keep_objects

Classes = npt.NDArray[np.int64]


def object_classes(label_map: npt.ArrayLike, class_map: npt.ArrayLike) -> Classes:
    """The class that most pixels of each object have.

    Args:
        label_map: objects.
        class_map: class of each pixel, of the same shape; 0 is no class and loses against any other.

    Returns:
        One class an object, in ascending order of the ids; 0 if no pixel has a class. Of classes with as
        many pixels the lower one is taken.

    Example:
        >>> object_classes([[1, 1, 1, 7, 7]], [[2, 2, 3, 0, 3]])
        array([2, 3])
    """
    overlap = overlap_matrix(label_map, class_map)
    counts = overlap.counts[1:].tocoo()
    rows, columns = counts.row, counts.col
    classes = np.zeros(len(overlap.row_ids) - 1, np.int64)
    # The last write wins: the most pixels, and the lower class among equals.
    order = np.lexsort((-columns, counts.data))
    order = order[columns[order] > 0]
    classes[rows[order]] = overlap.column_ids[columns[order]]
    return classes


def class_counts(
    pairs: ObjectPairs,
    pred_classes: npt.ArrayLike,
    truth_classes: npt.ArrayLike,
    classes: Sequence[int],
    thresholds: float | Sequence[float] = 0.5,
) -> npt.NDArray[np.float64]:
    """Instance counts of each class, as if the objects of other classes were not there.

    Args:
        pairs: from :func:`~cellseg_monai.metrics.object_pairs`.
        pred_classes: class of each predicted object, in ascending order of the ids.
        truth_classes: class of each true object, likewise.
        classes: those to count.
        thresholds: least IoU of a match, one or several.

    Returns:
        Shape (classes, thresholds, 4), for :func:`~cellseg_monai.metrics.instance_scores`.

    Example:
        The second cell is found, but under another class:

        >>> from cellseg_monai.metrics import object_pairs
        >>> pairs = object_pairs([[1, 1, 2, 2]], [[1, 1, 2, 2]])
        >>> class_counts(pairs, [1, 1], [1, 2], classes=[1, 2])[:, 0]
        array([[1., 1., 0., 1.],
               [0., 0., 1., 0.]])
    """
    of_pred = _one_each("pred_classes", pred_classes, len(pairs.pred_ids))
    of_truth = _one_each("truth_classes", truth_classes, len(pairs.truth_ids))
    return np.array(
        [pair_counts(keep_objects(pairs, of_pred == one, of_truth == one), thresholds) for one in classes]
    )


class DetectionScores(NamedTuple):
    """Detection and classification as in the HoVerNet paper.

    Attributes:
        f1d: detection quality F_d = 2·TP / (2·TP + FP + FN), whatever the class.
        accuracy: share of the detected cells whose class is right; NaN if none is detected.
        f1_classes: F_c of each class.
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
    empty: float = 1.0,
) -> DetectionScores:
    """Pair centroids within a radius, then compare classes (Graham et al. 2019).

        F_c = 2·T_c / (2·T_c + 2·FP_c + 2·FN_c + FP_d + FN_d)

    T_c are the pairs of which both cells are of class c, FP_c and FN_c those of which only the predicted or
    only the true one is, FP_d and FN_d the cells of the class without partner.

    The paper's code pairs all cells at the least total distance and then drops pairs beyond the radius, so
    that a far cell can take away a near one's partner. Here as many pairs as possible are within the radius,
    at the least total distance; that needs no table of all distances.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        pred_classes: class of each predicted object, in ascending order of the ids.
        truth_classes: class of each true object, likewise.
        classes: those to score.
        radius: greatest distance of the centroids of a pair, in pixels; the paper has 12 at 40×.
        empty: the score where there is no cell to find and none is found.

    Returns:
        :class:`DetectionScores`.

    Example:
        Both cells are found, one has the wrong class; F_1 = 2·1 / (2·1 + 2·1):

        >>> cells = [[1, 1, 2, 2]]
        >>> detection_scores(cells, cells, [1, 1], [1, 2], classes=[1, 2], radius=1)
        DetectionScores(f1d=1.0, accuracy=0.5, f1_classes=array([0.5, 0. ]))
    """
    if radius <= 0:
        raise ValueError(f"radius={radius} must be greater than 0, in pixels")
    pred_points, truth_points = _centroids(pred), _centroids(truth)
    of_pred = _one_each("pred_classes", pred_classes, len(pred_points))
    of_truth = _one_each("truth_classes", truth_classes, len(truth_points))
    first, second = _pair_points(pred_points, truth_points, radius)
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


def _centroids(label_map: npt.ArrayLike) -> npt.NDArray[np.float64]:
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


def _pair_points(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64], radius: float
) -> tuple[Classes, Classes]:
    near = spatial.KDTree(first).sparse_distance_matrix(
        spatial.KDTree(second), radius, output_type="coo_matrix"
    )
    gain = 2 - near.data / (radius * (len(near.data) + 1))
    chosen = best_assignment(near.row.astype(np.int64), near.col.astype(np.int64), gain)
    return near.row[chosen].astype(np.int64), near.col[chosen].astype(np.int64)


def _one_each(name: str, classes: npt.ArrayLike, objects: int) -> Classes:
    array = np.asarray(classes, np.int64)
    if array.shape != (objects,):
        raise ValueError(f"{name} has the shape {array.shape} for {objects} objects; give one for each")
    return array
