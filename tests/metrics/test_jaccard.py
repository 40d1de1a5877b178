"""AJI and AJI+ against their definitions, object by object."""

from itertools import permutations

import numpy as np
import pytest
import torch

from cellseg_monai.metrics import (
    LabelMapMetric,
    aggregated_jaccard,
    aggregated_jaccard_plus,
    jaccard_counts,
    jaccard_score,
    object_pairs,
)
from tests.metrics.cases import CASES, iou_table, objects


def index_of(preds, truths, partners):
    """Of pairs (place in preds, place in truths)."""
    shared = sum((preds[one] & truths[other]).sum() for one, other in partners)
    union = sum((preds[one] | truths[other]).sum() for one, other in partners)
    union += sum(mask.sum() for place, mask in enumerate(preds) if place not in {one for one, _ in partners})
    union += sum(
        mask.sum() for place, mask in enumerate(truths) if place not in {other for _, other in partners}
    )
    return shared / union


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_aji(pred, truth):
    preds, truths, table = objects(pred), objects(truth), iou_table(pred, truth)
    if not preds and not truths:
        assert aggregated_jaccard(pred, truth) == 1
        assert aggregated_jaccard(pred, truth, empty=0.25) == 0.25
        return
    partners = []
    for place in range(len(truths)):
        best = max(range(len(preds)), key=lambda one: (table[one, place], preds[one].sum()), default=None)
        if best is not None and table[best, place] > 0:
            partners.append((best, place))
    assert aggregated_jaccard(pred, truth) == pytest.approx(index_of(preds, truths, partners))


def best_pairings(table):
    """Every one-to-one pairing with the greatest sum of IoU, by trying all."""
    rows, columns = table.shape
    padded = np.zeros((rows, columns + rows))
    padded[:, :columns] = table
    choices = {
        tuple((row, column) for row, column in enumerate(order) if padded[row, column] > 0)
        for order in permutations(range(columns + rows), rows)
    }
    worth = {choice: sum(table[pair] for pair in choice) for choice in choices}
    most = max(worth.values())
    return [choice for choice, value in worth.items() if value >= most - 1e-12]


SMALL = [case for case in CASES if len(objects(case.values[0])) <= 3 and len(objects(case.values[1])) <= 4]


@pytest.mark.parametrize(("pred", "truth"), SMALL)
def test_aji_plus(pred, truth):
    preds, truths = objects(pred), objects(truth)
    if not preds and not truths:
        assert aggregated_jaccard_plus(pred, truth) == 1
        assert aggregated_jaccard_plus(pred, truth, empty=0.25) == 0.25
        return
    allowed = [index_of(preds, truths, partners) for partners in best_pairings(iou_table(pred, truth))]
    assert min(abs(aggregated_jaccard_plus(pred, truth) - value) for value in allowed) < 1e-12


@pytest.mark.parametrize(
    ("index", "expected"), [(aggregated_jaccard, (0.5 + 1) / 2), (aggregated_jaccard_plus, (1 / 3 + 1) / 2)]
)
def test_metric(index, expected):
    merged, two = torch.tensor([[[1, 1, 1, 1]]]), torch.tensor([[[1, 1, 2, 2]]])
    metric = LabelMapMetric(index)
    metric([merged, two], [two, two])
    assert metric.aggregate().item() == pytest.approx(expected)


def test_pooled_metric_weighs_pixels():
    metric = LabelMapMetric(
        lambda pred, truth: jaccard_counts(object_pairs(pred, truth)),
        lambda counts: jaccard_score(counts, empty=0),
        reduction="pooled",
    )
    metric([torch.tensor([[[1, 1]]])], [torch.tensor([[[1, 0]]])])
    metric([torch.zeros(1, 1, 2)], [torch.zeros(1, 1, 2)])
    assert metric.aggregate().item() == 0.5
    assert metric.get_buffer().tolist() == [[0.5], [0]]
