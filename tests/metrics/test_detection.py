"""F1d against the steps of the HoVerNet paper."""

import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from cellseg_monai.metrics import detection_scores
from tests.metrics.test_classes import classes_of


def as_in_the_paper(one, other, of_one, of_other, classes, radius):
    distances = cdist(one, other)
    first, second = linear_sum_assignment(distances)
    near = distances[first, second] <= radius
    first, second = first[near], second[near]
    alone, others_alone = np.delete(of_one, first), np.delete(of_other, second)
    f1d = 2 * len(first) / (2 * len(first) + len(alone) + len(others_alone))
    f1 = []
    for c in classes:
        if c not in of_one and c not in of_other:
            f1.append(math.nan)
            continue
        right = ((of_one[first] == c) & (of_other[second] == c)).sum()
        wrong = ((of_one[first] == c) ^ (of_other[second] == c)).sum()
        f1.append(2 * right / (2 * right + 2 * wrong + (alone == c).sum() + (others_alone == c).sum()))
    accuracy = (of_one[first] == of_other[second]).mean() if len(first) else math.nan
    return f1d, accuracy, f1


@pytest.mark.parametrize("seed", range(200))
def test_detection_as_in_the_paper(seed):
    """Cells apart from each other by more than the radius, so that which are near is beyond doubt."""
    random = np.random.default_rng(seed)
    pred, truth = np.zeros((2, 60, 60), np.int32)
    for number, (row, column) in enumerate(np.ndindex(4, 4), start=1):
        for image in (pred, truth):
            if random.random() < 0.8:
                top, left = 15 * row + random.integers(0, 5), 15 * column + random.integers(0, 5)
                image[top : top + random.integers(1, 5), left : left + random.integers(1, 5)] = number
    pred = np.append(0, random.permutation(16) + 1).astype(np.int32)[pred]
    (of_pred, pred_ids), (of_truth, truth_ids) = classes_of(pred, seed), classes_of(truth, seed)
    radius = random.choice([2.0, 4.0, 5.0])
    centres = [
        np.array(ndimage.center_of_mass(image > 0, image, ids))
        for image, ids in [(pred, pred_ids), (truth, truth_ids)]
    ]
    if not len(pred_ids) or not len(truth_ids):
        return
    f1d, accuracy, f1 = as_in_the_paper(*centres, of_pred, of_truth, [1, 2, 3], radius)
    scores = detection_scores(
        pred, truth, of_pred, of_truth, classes=[1, 2, 3], radius=radius, empty=math.nan
    )
    assert scores.f1d == pytest.approx(f1d)
    assert scores.accuracy == pytest.approx(accuracy, nan_ok=True)
    assert scores.f1_classes.tolist() == pytest.approx(f1, nan_ok=True)
    near = (cdist(*centres) <= radius).sum()
    found = detection_scores(pred, truth, of_pred, of_truth, classes=[1], radius=radius, pairing="near").f1d
    assert found == 2 * near / (len(pred_ids) + len(truth_ids))
    assert found >= f1d


@pytest.mark.parametrize(("pairing", "expected"), [("hovernet", 0), ("near", 0.5)])
def test_a_far_cell_takes_a_partner_away_from_a_near_one(pairing, expected):
    """Of 11 + 10 and √10 + √409 the first sum is less, but only the pair at √10 is within 4 pixels."""
    pred, truth = np.zeros((2, 4, 21), np.int32)
    pred[0, 0], pred[3, 10] = 1, 2
    truth[0, 11], truth[3, 20] = 1, 2
    assert (
        detection_scores(pred, truth, [1, 1], [1, 1], classes=[1], radius=4, pairing=pairing).f1d == expected
    )


@pytest.mark.parametrize("empty", [1.0, math.nan])
def test_nothing_to_find(empty):
    nothing, cell = np.zeros((3, 3), int), np.eye(3, dtype=int)
    scores = detection_scores(nothing, nothing, [], [], classes=[1], empty=empty)
    assert [scores.f1d, *scores.f1_classes] == pytest.approx([empty, empty], nan_ok=True)
    assert math.isnan(scores.accuracy)
    assert detection_scores(cell, nothing, [1], [], classes=[1], empty=empty).f1d == 0
    assert detection_scores(nothing, cell, [], [1], classes=[1], empty=empty).f1_classes.tolist() == [0]


def test_wrong_arguments_are_told():
    with pytest.raises(ValueError, match=r"pred_classes has shape \(1,\) for 2 objects"):
        detection_scores([[1, 2]], [[1, 2]], [1], [1, 1], classes=[1])
    with pytest.raises(ValueError, match="radius=0 must be above 0"):
        detection_scores([[1]], [[1]], [1], [1], classes=[1], radius=0)
    with pytest.raises(ValueError, match="pairing must be one of hovernet, near, not far"):
        detection_scores([[1]], [[1]], [1], [1], classes=[1], pairing="far")


def test_a_slide_is_paired_near_or_refused():
    cells = np.arange(1, 10_202, dtype=np.int32).reshape(101, 101)
    classes = np.ones(10_201, int)
    with pytest.raises(ValueError, match="10201 × 10201 distances are too many; use pairing='near'"):
        detection_scores(cells, cells, classes, classes, classes=[1])
    assert detection_scores(cells, cells, classes, classes, classes=[1], radius=0.9, pairing="near").f1d == 1
