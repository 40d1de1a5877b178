"""Classes of cells against maps of one class, and F1d against the steps of the HoVerNet paper."""

import numpy as np
import pytest

from cellseg_monai.metrics import (
    class_counts,
    instance_counts,
    object_classes,
    object_pairs,
)
from tests.metrics.cases import CASES, objects


def classes_of(label_map, seed=0):
    ids = np.unique(label_map[label_map > 0])
    return np.random.default_rng(seed).integers(1, 4, len(ids)), ids


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_counts_of_a_class_are_those_of_maps_with_that_class_alone(pred, truth):
    (of_pred, pred_ids), (of_truth, truth_ids) = classes_of(pred), classes_of(truth, 1)
    counts = class_counts(
        object_pairs(pred, truth), of_pred, of_truth, classes=[1, 2, 3], thresholds=[0.3, 0.5]
    )
    for place, one in enumerate([1, 2, 3]):
        alone = (
            np.where(np.isin(pred, pred_ids[of_pred == one]), pred, 0),
            np.where(np.isin(truth, truth_ids[of_truth == one]), truth, 0),
        )
        np.testing.assert_allclose(counts[place], instance_counts(*alone, [0.3, 0.5]))


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_majority_class(pred, truth):
    expected = []
    for mask in objects(pred):
        pixels = np.bincount(truth[mask] % 4, minlength=4)[1:]
        expected.append(int(pixels.argmax()) + 1 if pixels.any() else 0)
    assert object_classes(pred, truth % 4).tolist() == expected


def test_an_entry_for_each_object_is_needed():
    with pytest.raises(ValueError, match=r"truth_classes has shape \(3,\) for 2 objects"):
        class_counts(object_pairs([[1, 2]], [[1, 2]]), [1, 1], [1, 1, 1], classes=[1])
