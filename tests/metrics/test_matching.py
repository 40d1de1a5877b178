import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from cellseg_monai.metrics import instance_counts, keep_objects, match_objects, object_pairs
from cellseg_monai.metrics.matching import best_assignment
from tests.metrics.cases import CASES, iou_table


@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_pairs_are_those_of_masks(pred, truth):
    pairs = object_pairs(pred, truth)
    table = iou_table(pred, truth)
    found = np.zeros_like(table)
    found[pairs.pred, pairs.truth] = pairs.iou
    np.testing.assert_array_equal(found, table)
    assert pairs.pred_sizes.tolist() == [(pred == number).sum() for number in pairs.pred_ids]
    assert pairs.truth_sizes.tolist() == [(truth == number).sum() for number in pairs.truth_ids]


@pytest.mark.parametrize("threshold", [0.05, 0.3, 0.5])
@pytest.mark.parametrize(("pred", "truth"), CASES)
def test_matches_are_as_many_and_as_good_as_can_be(pred, truth, threshold):
    """A dense assignment, in which a match counts far more than any IoU, says what can be."""
    table = iou_table(pred, truth)
    worth = np.where(table >= threshold, 1000 + table, 0)
    pairs = object_pairs(pred, truth)
    chosen = match_objects(pairs, threshold)
    assert len(np.unique(pairs.pred[chosen])) == len(np.unique(pairs.truth[chosen])) == len(chosen)
    assert (pairs.iou[chosen] >= threshold).all()
    best = worth[linear_sum_assignment(worth, maximize=True)].sum()
    assert (1000 + pairs.iou[chosen]).sum() == pytest.approx(best)


@pytest.mark.parametrize("seed", range(50))
def test_assignment_gains_as_much_as_a_dense_one(seed):
    random = np.random.default_rng(seed)
    table = random.uniform(size=(40, 50)) * (random.uniform(size=(40, 50)) < random.choice([0.02, 0.1, 0.5]))
    rows, columns = np.nonzero(table)
    chosen = best_assignment(rows, columns, table[rows, columns])
    assert len(np.unique(rows[chosen])) == len(np.unique(columns[chosen])) == len(chosen)
    best = table[linear_sum_assignment(table, maximize=True)].sum()
    assert table[rows[chosen], columns[chosen]].sum() == pytest.approx(best)


@pytest.mark.parametrize(("pred", "truth"), CASES[:60])
def test_keeping_objects_is_erasing_the_others(pred, truth):
    pairs = object_pairs(pred, truth)
    kept = keep_objects(pairs, pairs.pred_ids % 2 == 0, pairs.truth_ids % 3 > 0)
    erased = object_pairs(np.where(pred % 2 == 0, pred, 0), np.where(truth % 3 > 0, truth, 0))
    for one, other in zip(kept, erased, strict=True):
        np.testing.assert_array_equal(one, other)


def test_keep_needs_an_entry_an_object():
    pairs = object_pairs([[1, 2]], [[1, 1]])
    with pytest.raises(ValueError, match="truth_kept has 2 entries for 1 objects"):
        keep_objects(pairs, np.ones(2, bool), np.ones(2, bool))


@pytest.mark.parametrize("threshold", [0, -0.1, 1.01, 50])
def test_threshold_is_an_iou(threshold):
    with pytest.raises(ValueError, match=f"threshold={threshold}.* is not an IoU"):
        match_objects(object_pairs([[1]], [[1]]), threshold)


def test_more_cells_than_16_bits_count():
    cells = np.arange(1, 300 * 300 + 1, dtype=np.int32).reshape(300, 300)
    assert instance_counts(cells, cells[:, ::-1].copy()[:, ::-1] + 7).tolist() == [[90_000, 0, 0, 90_000]]


def test_an_iou_equal_to_the_threshold_is_a_match():
    for hits, union in [
        (1, 2),
        (11, 20),
        (3, 5),
        (13, 20),
        (7, 10),
        (3, 4),
        (4, 5),
        (17, 20),
        (9, 10),
        (19, 20),
    ]:
        pred, truth = np.zeros((1, union), int), np.ones((1, union), int)
        pred[0, :hits] = 1
        threshold = round(hits / union, 2)
        assert instance_counts(pred, truth, threshold)[0, 0] == 1
