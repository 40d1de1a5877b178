"""Pixel scores against scikit-learn, torchmetrics and MONAI."""

import math

import numpy as np
import pytest
import torch
from monai.metrics import ConfusionMatrixMetric, compute_dice
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, precision_recall_fscore_support
from torchmetrics.functional.segmentation import mean_iou

from cellseg_monai.metrics import PixelHandler, pixel_counts, pixel_scores
from tests.metrics.cases import CASES


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_scikit_learn(pred, truth):
    one, other = (pred > 0).ravel(), (truth > 0).ravel()
    scores = pixel_scores(pixel_counts(pred, truth), empty=0)
    precision, recall, f1, _ = precision_recall_fscore_support(other, one, average="binary", zero_division=0)
    assert scores.precision[0] == pytest.approx(precision)
    assert scores.recall[0] == pytest.approx(recall)
    assert scores.dice[0] == pytest.approx(f1)
    assert scores.iou[0] == pytest.approx(jaccard_score(other, one, zero_division=0))
    assert scores.accuracy[0] == pytest.approx(accuracy_score(other, one))


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_monai_dice(pred, truth):
    one, other = (torch.from_numpy(image > 0)[None, None].float() for image in (pred, truth))
    expected = compute_dice(one, other, ignore_empty=False).item()
    assert pixel_scores(pixel_counts(pred, truth)).dice[0] == pytest.approx(expected)


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_torchmetrics_iou_of_classes(pred, truth):
    pred, truth = pred % 4, truth % 4
    expected = mean_iou(
        torch.from_numpy(pred)[None].long(),
        torch.from_numpy(truth)[None].long(),
        num_classes=4,
        per_class=True,
        input_format="index",
    )
    ours = pixel_scores(pixel_counts(pred, truth, range(4)), empty=math.nan).iou
    there = ~np.isnan(ours)  # torchmetrics has -1 for a class that is in neither map
    np.testing.assert_allclose(ours[there], expected[0].numpy()[there], rtol=1e-6)
    metric = PixelHandler("iou", classes=range(4), empty=math.nan).metric_fn
    metric(torch.from_numpy(pred)[None, None], torch.from_numpy(truth)[None, None])
    assert metric.aggregate().item() == pytest.approx(ours[there].mean())


@pytest.mark.parametrize(
    ("score", "expected"),
    [("dice", 0.5), ("iou", 1 / 3), ("precision", 1 / 2), ("recall", 1 / 2), ("accuracy", 4 / 6)],
)
def test_metric_by_hand(score, expected):
    pred, truth = torch.tensor([[[[3, 3, 0, 0, 0, 0]]]]), torch.tensor([[[[0, 8, 9, 0, 0, 0]]]])
    assert PixelHandler(score).metric_fn(pred, truth).item() == pytest.approx(expected)


def test_wrong_arguments_are_told():
    with pytest.raises(ValueError, match="the maps differ in shape"):
        pixel_counts([[1, 1]], [[1]])
    with pytest.raises(ValueError, match="classes is empty"):
        pixel_counts([[1]], [[1]], classes=[])
    with pytest.raises(ValueError, match="counts need 4 columns"):
        pixel_scores([1, 2])


def test_no_pixel_has_no_accuracy():
    assert math.isnan(pixel_scores([0, 0, 0, 0]).accuracy)


def of_classes(score, images, classes):
    metric = PixelHandler(score, classes=classes).metric_fn
    for pred, truth in images:
        metric(torch.as_tensor(pred)[None, None], torch.as_tensor(truth)[None, None])
    return metric


def test_mean_iou_by_hand():
    """Class 1 has 2 of 4 pixels, class 0 has 1 of 3: (1/2 + 1/3) / 2, where class 1 alone has 1/2."""
    images = [([1, 1, 0, 1, 0], [1, 1, 1, 0, 0])]
    assert of_classes("iou", images, [0, 1]).aggregate().item() == pytest.approx(5 / 12)
    assert of_classes("iou", images, [1]).aggregate().item() == 0.5


def test_a_tile_whose_only_class_is_missed_scores_nothing():
    """The 20 classes that the tile lacks would give it (20 · 1 + 0) / 21 = 0.952 otherwise."""
    tile = [(np.zeros((4, 4), int), np.full((4, 4), 5))]
    assert of_classes("iou", tile, range(22)).aggregate() == 0
    flattered = PixelHandler("iou", classes=range(1, 22), reduction="mean", empty=1.0).metric_fn
    assert flattered(*(torch.as_tensor(one)[None, None] for one in tile[0])).mean().item() == pytest.approx(
        20 / 21
    )


def maps_of_classes():
    return [tuple(one % 4 for one in case.values) for case in CASES]


@pytest.mark.parametrize(("ours", "theirs"), [("iou", jaccard_score), ("dice", f1_score)])
def test_pooled_classes_are_those_of_scikit_learn(ours, theirs):
    images = maps_of_classes()
    pred, truth = (np.concatenate([one.ravel() for one in side]) for side in zip(*images, strict=True))
    expected = theirs(truth, pred, labels=[0, 1, 2, 3], average="macro")
    assert of_classes(ours, images, range(4)).aggregate().item() == pytest.approx(expected)
    assert of_classes(ours, images, range(9)).aggregate().item() == pytest.approx(expected)


def test_pooled_dice_is_the_f1_of_monai():
    monai = ConfusionMatrixMetric(metric_name="f1 score", compute_sample=False, reduction="sum_batch")
    for pair in maps_of_classes():
        monai(
            *(torch.from_numpy(np.stack([one == value for value in range(4)])).float()[None] for one in pair)
        )
    expected = monai.aggregate()[0].mean().item()
    assert of_classes("dice", maps_of_classes(), range(4)).aggregate().item() == pytest.approx(expected)


def test_ignored_pixels_are_neither_right_nor_wrong():
    images = [([1, 1, 0, 1, 0, 0, 1, 2], [1, 1, 1, 0, 0, -1, -1, -1])]
    assert of_classes("iou", images, [0, 1, 2]).aggregate().item() == pytest.approx(5 / 12)
    assert pixel_counts(*images[0]).tolist() == [[2, 1, 1, 1]]
    assert pixel_counts([1, 0], [-1, -1]).tolist() == [[0, 0, 0, 0]]
