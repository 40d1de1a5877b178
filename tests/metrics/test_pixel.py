"""Pixel scores against scikit-learn, torchmetrics and MONAI."""

import math

import numpy as np
import pytest
import torch
from monai.metrics import compute_dice
from sklearn.metrics import accuracy_score, jaccard_score, precision_recall_fscore_support
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
