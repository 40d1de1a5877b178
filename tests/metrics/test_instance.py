"""Instance scores against definitions written out mask by mask, torchmetrics, and stardist if it is there."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torchmetrics.functional.detection import panoptic_quality

from cellseg_monai.label_maps import relabel
from cellseg_monai.metrics import (
    AP_THRESHOLDS,
    InstanceHandler,
    instance_counts,
    instance_scores,
    mean_average_precision,
)
from tests.metrics.cases import CASES, iou_table

THRESHOLDS = [0.1, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0]


def by_definition(pred, truth, threshold):
    table = iou_table(pred, truth)
    chosen = linear_sum_assignment(np.where(table >= threshold, 1000 + table, 0), maximize=True)
    matched = [iou for iou in table[chosen] if iou >= threshold]
    hits, n_pred, n_truth = len(matched), *table.shape
    quality = sum(matched) / hits if hits else 0
    f1 = 2 * hits / (n_pred + n_truth)
    return {
        "precision": hits / n_pred if n_pred else 0,
        "recall": hits / n_truth if n_truth else 0,
        "f1": f1,
        "ap": hits / (n_pred + n_truth - hits),
        "sq": quality,
        "pq": quality * f1,
    }


# The value of two empty maps is a choice, tested below; torchmetrics leaves out a class that is not there.
WITH_OBJECTS = [case for case in CASES if any(image.any() for image in case.values)]
WITH_OBJECTS_IN_BOTH = [case for case in CASES if all(image.any() for image in case.values)]


@pytest.mark.parametrize(("pred", "truth"), WITH_OBJECTS)
def test_definition(pred, truth):
    scores = instance_scores(instance_counts(pred, truth, THRESHOLDS))
    for place, threshold in enumerate(THRESHOLDS):
        for name, value in by_definition(pred, truth, threshold).items():
            assert getattr(scores, name)[place] == pytest.approx(value), (name, threshold)


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_stardist(pred, truth):
    """stardist brings matplotlib and numba, too much for every run; the definition above is the rule."""
    reference = pytest.importorskip("stardist.matching", reason="optional: needs stardist, numba and csbdeep")
    counts = instance_counts(pred, truth, THRESHOLDS)
    scores = instance_scores(counts, empty=0)
    for place, expected in enumerate(reference.matching(truth, pred, THRESHOLDS)):
        assert counts[place, :3].tolist() == [expected.tp, expected.fp, expected.fn]
        for ours, theirs in [("precision",) * 2, ("recall",) * 2, ("f1",) * 2, ("ap", "accuracy")]:
            assert getattr(scores, ours)[place] == pytest.approx(getattr(expected, theirs))
        if expected.thresh >= 0.5:  # below, stardist breaks ties also by pairs that do not match
            assert scores.pq[place] == pytest.approx(expected.panoptic_quality, rel=1e-6)
            assert scores.sq[place] == pytest.approx(expected.mean_matched_score, rel=1e-6)


def category_and_instance(label_map):
    numbers = torch.from_numpy(relabel(label_map)).long()
    return torch.stack([(numbers > 0).long(), numbers], dim=-1)[None]


@pytest.mark.parametrize(("pred", "truth"), WITH_OBJECTS_IN_BOTH)
def test_torchmetrics_panoptic_quality(pred, truth):
    """It matches where IoU > 0.5, we where IoU ≥ 0.5; so we are asked for a hair more than 0.5."""
    expected = panoptic_quality(
        category_and_instance(pred),
        category_and_instance(truth),
        things={1},
        stuffs={0},
        return_per_class=True,
    )
    ours = instance_scores(instance_counts(pred, truth, math.nextafter(0.5, 1))).pq[0]
    assert ours == pytest.approx(expected[0, 0].item(), abs=1e-6)


def test_by_hand():
    """IoU 1, 3/4 and 1/2; one false alarm and two misses."""
    pred = np.array([[1, 1, 0, 2, 2, 2, 0, 3, 3, 0, 9, 0, 0, 0]])
    truth = np.array([[4, 4, 0, 5, 5, 5, 5, 6, 0, 0, 0, 7, 0, 8]])
    counts = instance_counts(pred, truth, [0.5, 0.75, 0.8])
    assert counts.tolist() == [[3, 1, 2, 2.25], [2, 2, 3, 1.75], [1, 3, 4, 1]]
    scores = instance_scores(counts[0])
    assert scores.precision == 3 / 4
    assert scores.recall == 3 / 5
    assert scores.f1 == 6 / 9
    assert scores.ap == 3 / 6
    assert scores.sq == 0.75
    assert scores.pq == 0.5


def test_two_halves_match_once():
    assert instance_counts([[1, 1, 2, 2]], [[3, 3, 3, 3]], 0.5).tolist() == [[1, 1, 0, 0.5]]


@pytest.mark.parametrize("empty", [1.0, 0.0, math.nan])
def test_two_empty_maps(empty):
    for score in instance_scores(instance_counts([[0]], [[0]]), empty):
        assert score.tolist() == pytest.approx([empty], nan_ok=True)


@pytest.mark.parametrize(("pred", "truth"), CASES[:40])
def test_mean_average_precision_is_the_mean_of_the_curve(pred, truth):
    curve = [instance_scores(instance_counts(pred, truth, threshold)).ap[0] for threshold in AP_THRESHOLDS]
    assert mean_average_precision(pred, truth) == pytest.approx(np.mean(curve))
    metric = InstanceHandler("ap", AP_THRESHOLDS).metric_fn
    metric(torch.from_numpy(pred)[None, None], torch.from_numpy(truth)[None, None])
    assert metric.aggregate().item() == pytest.approx(np.mean(curve))


def test_curve_falls():
    pred, truth = CASES[30].values
    assert (np.diff(instance_counts(pred, truth, np.linspace(0.05, 1, 20))[:, 0]) <= 0).all()


def test_wrong_arguments_are_told():
    with pytest.raises(ValueError, match="thresholds is empty"):
        instance_counts([[1]], [[1]], [])
    with pytest.raises(
        ValueError, match=r"counts need 4 columns TP, FP, FN and sum of IoU, but have shape \(3,\)"
    ):
        instance_scores([1, 2, 3])
