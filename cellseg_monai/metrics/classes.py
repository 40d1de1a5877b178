"""Scores of each class of cells, as if the other classes were absent.

The classes of objects are arrays with one entry per object, in ascending order of the ids.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import overlap_matrix
from cellseg_monai.metrics.instance import pair_counts
from cellseg_monai.metrics.matching import ObjectPairs, keep_objects
from cellseg_monai.metrics.ratio import Scores

Classes = npt.NDArray[np.int64]


def object_classes(label_map: npt.ArrayLike, class_map: npt.ArrayLike) -> Classes:
    """Class of most pixels of each object.

    Args:
        label_map: label map of the objects.
        class_map: class of each pixel, of the same shape; 0 is no class and loses against any other.

    Returns:
        One class per object, in ascending order of the ids; 0 if no pixel has a class. The lower class wins a
        tie.

    Example:
        >>> object_classes([[1, 1, 1, 7, 7]], [[2, 2, 3, 0, 3]])
        array([2, 3])
    """
    overlap = overlap_matrix(label_map, class_map)
    counts = overlap.counts[1:, 1:].tocoo()
    classes = np.zeros(len(overlap.row_ids) - 1, np.int64)
    # The last assignment wins: the most pixels, and the lower class in a tie.
    order = np.lexsort((-counts.col, counts.data))
    classes[counts.row[order]] = overlap.column_ids[1:][counts.col[order]]
    return classes


def class_counts(
    pairs: ObjectPairs,
    pred_classes: npt.ArrayLike,
    truth_classes: npt.ArrayLike,
    *,
    classes: Sequence[int],
    thresholds: float | Sequence[float] = 0.5,
) -> Scores:
    """Instance counts of each class, as if objects of other classes were absent.

    Args:
        pairs: pairs from :func:`~cellseg_monai.metrics.object_pairs`.
        pred_classes: class of each predicted object, in ascending order of the ids.
        truth_classes: class of each true object, in the same order.
        classes: classes to count.
        thresholds: one or several IoU thresholds; a pair matches at or above it.

    Returns:
        Counts of shape (classes, thresholds, 4) for :func:`~cellseg_monai.metrics.instance_scores`.

    Example:
        The second cell is found, but has the wrong class:

        >>> from cellseg_monai.metrics import object_pairs
        >>> pairs = object_pairs([[1, 1, 2, 2]], [[1, 1, 2, 2]])
        >>> class_counts(pairs, [1, 1], [1, 2], classes=[1, 2])[:, 0]
        array([[1., 1., 0., 1.],
               [0., 0., 1., 0.]])
    """
    of_pred = one_each("pred_classes", pred_classes, len(pairs.pred_ids))
    of_truth = one_each("truth_classes", truth_classes, len(pairs.truth_ids))
    return np.array(
        [pair_counts(keep_objects(pairs, of_pred == one, of_truth == one), thresholds) for one in classes]
    )


def one_each(name: str, classes: npt.ArrayLike, objects: int) -> Classes:
    """Classes as an array, after a check that there is one for each object.

    Example:
        >>> one_each("pred_classes", [2, 1], objects=2)
        array([2, 1])
    """
    array = np.asarray(classes, np.int64)
    if array.shape != (objects,):
        raise ValueError(f"{name} has shape {array.shape} for {objects} objects; give one class per object")
    return array
