"""Outlines against distances between all pixels, one by one."""

import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist

from cellseg_monai.metrics import LabelMapMetric, boundary_counts, boundary_f1, boundary_scores, hausdorff95
from tests.metrics.cases import CASES


def outline(image):
    """Pixels of objects that have a side in common with another value, one by one."""
    height, width = image.shape
    found = []
    for row, column in zip(*np.nonzero(image), strict=True):
        for other in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            inside = 0 <= other[0] < height and 0 <= other[1] < width
            if inside and image[other] != image[row, column]:
                found.append((row, column))
                break
    return np.array(found).reshape(-1, 2)


@pytest.mark.parametrize("tolerance", [0, 1, math.sqrt(2), 2, math.sqrt(3), math.sqrt(5)])
@pytest.mark.parametrize(("pred", "truth"), CASES[:80])
def test_definition(pred, truth, tolerance):
    one, other = outline(pred), outline(truth)
    distances = np.rint(cdist(one, other, "sqeuclidean"))
    limit = {0: 0, 1: 1, 2: 4}.get(tolerance, round(tolerance**2))
    near = (distances <= limit).any(axis=1).sum() if len(other) else 0
    true_near = (distances <= limit).any(axis=0).sum() if len(one) else 0
    assert boundary_counts(pred, truth, tolerance).tolist() == [near, len(one), true_near, len(other)]


def test_by_hand():
    """Two of three predicted outline pixels are near, and the only true one: P = 2/3, R = 1."""
    pred, truth = [[0, 1, 2, 3, 0, 0]], [[0, 0, 0, 0, 4, 4]]
    assert boundary_counts(pred, truth, tolerance=2).tolist() == [2, 3, 1, 1]
    assert boundary_f1(pred, truth, tolerance=2) == pytest.approx(0.8)


def test_the_line_between_touching_cells_is_an_outline():
    assert boundary_f1([[1, 1, 1, 1]], [[1, 1, 2, 2]]) == 0


@pytest.mark.parametrize("empty", [1.0, 0.0])
def test_maps_without_outline(empty):
    assert boundary_f1([[0, 0]], [[0, 0]], empty=empty) == empty
    assert boundary_f1([[1, 0]], [[0, 0]], empty=empty) == 0


@pytest.mark.parametrize(("tolerance", "expected"), [(0, 0), (1, 1)])
def test_metric(tolerance, expected):
    metric = LabelMapMetric(partial(boundary_counts, tolerance=tolerance), boundary_scores)
    assert metric(torch.tensor([[[[0, 1, 0]]]]), torch.tensor([[[[1, 0, 0]]]])).item() == expected
    half = LabelMapMetric(partial(boundary_f1, empty=0.5))
    assert half(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2)).item() == 0.5


def test_wrong_arguments_are_told():
    with pytest.raises(ValueError, match="tolerance=-1 is a distance in pixels"):
        boundary_f1([[1]], [[1]], tolerance=-1)
    for metric in (boundary_f1, hausdorff95):
        with pytest.raises(ValueError, match="differ in shape"):
            metric([[1, 1]], [[1]])


def edge_of_mask(mask):
    """Pixels of the mask with a side in common with what is not mask, the outside of the image included."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    return np.argwhere(mask & ~inner)


@pytest.mark.parametrize(("pred", "truth"), CASES[:100])
def test_hausdorff95(pred, truth):
    one, other = edge_of_mask(pred > 0), edge_of_mask(truth > 0)
    if not len(one) or not len(other):
        assert hausdorff95(pred, truth) == (0 if len(one) == len(other) else math.inf)
        return
    distances = cdist(one, other)
    expected = max(np.percentile(distances.min(axis=1), 95), np.percentile(distances.min(axis=0), 95))
    assert hausdorff95(pred, truth) == pytest.approx(expected)
