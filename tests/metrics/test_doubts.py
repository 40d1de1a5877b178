"""Doubts by hand on small maps, and on real annotations that are made wrong."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from cellseg_monai.data import read_label_map
from cellseg_monai.label_maps import touching_pairs
from cellseg_monai.metrics import Doubt, label_doubts

SURE, NONE = 0.95, 0.02


def sure_of(pred: npt.ArrayLike) -> npt.NDArray[np.float64]:
    return np.where(np.asarray(pred) > 0, SURE, NONE)


@pytest.mark.parametrize(
    ("pred", "truth", "expected"),
    [
        ([[0, 5, 5, 0]], [[0, 0, 0, 0]], Doubt("missing", 0.95, (1, 0, 2, 1), (1.5, 0), (), (5,))),
        ([[0, 0, 0, 0]], [[0, 7, 7, 7]], Doubt("extra", 0.98, (1, 0, 3, 1), (2, 0), (7,), ())),
        # Two of four pixels, and 0.95 each.
        ([[1, 1, 2, 2]], [[7, 7, 7, 7]], Doubt("merged", 0.475, (0, 0, 4, 1), (1.5, 0), (7,), (1, 2))),
        ([[9, 9, 9, 9]], [[3, 3, 3, 8]], Doubt("split", 0.2375, (0, 0, 4, 1), (1.5, 0), (3, 8), (9,))),
        # One pixel is only annotated, one only predicted, one both: (0.98 + 0.95) / 3.
        ([[0, 4, 4]], [[6, 6, 0]], Doubt("shifted", 1.93 / 3, (0, 0, 3, 1), (1, 0), (6,), (4,))),
    ],
    ids=lambda value: value.kind if isinstance(value, Doubt) else None,
)
def test_each_kind_by_hand(pred: list, truth: list, expected: Doubt) -> None:
    (found,) = label_doubts(pred, truth, sure_of(pred), min_confidence=0.2)
    assert found == expected._replace(confidence=pytest.approx(expected.confidence))


def test_an_unsure_prediction_is_no_doubt() -> None:
    pred, truth = [[0, 5, 5, 0]], [[0, 0, 0, 0]]
    assert label_doubts(pred, truth, [[0.0, 0.3, 0.1, 0.0]]) == []
    assert len(label_doubts(pred, truth, [[0.0, 0.3, 0.1, 0.0]], min_confidence=0.2)) == 1


def test_a_cell_that_is_annotated_with_its_neighbour_is_not_missing() -> None:
    """Its pixels are annotated, so that it is merged alone."""
    pred, truth = [[1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2]], [[7] * 11]
    assert [doubt.kind for doubt in label_doubts(pred, truth, sure_of(pred), min_confidence=0)][:1] == [
        "merged"
    ]
    assert [doubt.kind for doubt in label_doubts(pred, truth, sure_of(pred))] == ["merged"]


def test_three_cells_in_one_are_one_doubt() -> None:
    pred, truth = [[1, 1, 2, 2, 3, 3]], [[7] * 6]
    (found,) = label_doubts(pred, truth, sure_of(pred))
    assert found.pred_ids == (1, 2, 3)
    assert found.confidence == pytest.approx(2 / 3 * SURE)


def test_outlines_that_are_all_coarse_are_not_shifted() -> None:
    """Two-thirds of the median IoU decide: 0.6 beside 0.6 is usual, beside 1.0 it is not."""
    coarse = [[1, 1, 1, 1, 0, 0, 2, 2, 2, 2, 0, 0, 3, 3, 3, 3, 0]]
    truth = [[0, 1, 1, 1, 1, 0, 0, 2, 2, 2, 2, 0, 0, 3, 3, 3, 3]]
    found = label_doubts(coarse, truth, sure_of(coarse), min_confidence=0)
    assert found == []
    truth[0][:12] = coarse[0][:12]
    (found,) = label_doubts(coarse, truth, sure_of(coarse), min_confidence=0)
    assert (found.kind, found.truth_ids) == ("shifted", (3,))


def test_small_objects_weigh_less() -> None:
    """One pixel beside cells of twelve: 4 · 1 / 12 of its confidence."""
    pred = np.zeros((4, 12), int)
    pred[0], pred[1], pred[3, 0] = 1, 2, 3
    truth = np.where(pred == 3, 0, pred)
    (found,) = label_doubts(pred, truth, sure_of(pred))
    assert found.confidence == pytest.approx(SURE * 4 / 12)


def test_no_object_at_all() -> None:
    empty = np.zeros((3, 4), int)
    assert label_doubts(empty, empty, empty) == []


def test_ids_above_16_bits_and_equal_maps() -> None:
    ids = np.arange(1, 70_001).reshape(250, 280) * 30_000
    assert label_doubts(ids, ids, sure_of(ids), min_confidence=0) == []
    truth = ids.copy()
    truth[3, 5] = 0
    (found,) = label_doubts(ids, truth, sure_of(ids))
    assert (found.kind, found.box, found.pred_ids) == ("missing", (5, 3, 1, 1), (int(ids[3, 5]),))


@pytest.mark.parametrize(
    ("pred", "truth", "probability", "options", "message"),
    [
        ([[1]], [[1]], [[1.0, 1.0]], {}, r"shape \(1, 1\) and the probability map \(1, 2\)"),
        ([[1]], [[1, 1]], [[1.0]], {}, "differ in shape"),
        ([1], [1], [1.0], {}, "give one plane"),
        ([[1]], [[1]], [[np.nan]], {}, "not finite"),
        ([[1]], [[1]], [[1.0]], {"min_confidence": 1.5}, "min_confidence=1.5 must be from 0 to 1"),
    ],
)
def test_what_cannot_be_compared(pred, truth, probability, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        label_doubts(pred, truth, probability, **options)


def test_wrong_real_annotations_are_the_first_doubts(real_images: Path) -> None:
    """The true annotation is the prediction; four annotations are made wrong in a copy."""
    clean = read_label_map(real_images / "nuclei/field/masks/IXMtest_A24_s9.png")
    ids, areas = np.unique(clean[clean > 0], return_counts=True)
    pairs = touching_pairs(clean)
    one, other = next((a, b) for a, b in pairs.tolist() if min(areas[np.isin(ids, (a, b))]) > 200)
    touching = np.unique(pairs)
    inner = [
        number
        for number in ids[(areas > 300) & ~np.isin(ids, touching)].tolist()
        if 40
        < np.nonzero(clean == number)[1].min()
        < np.nonzero(clean == number)[1].max()
        < clean.shape[1] - 60
    ]
    deleted, moved = inner[:2]
    wrong = clean.copy()
    wrong[clean == deleted] = 0
    wrong[clean == other] = one
    rows, columns = np.nonzero(clean == moved)
    wrong[rows, columns] = 0
    step = (np.ptp(columns) + 1) // 2
    free = np.isin(clean[rows, columns + step], (0, moved))
    wrong[rows[free], columns[free] + step] = moved
    added = int(ids.max()) + 1
    window = next(
        np.s_[top : top + 24, left : left + 24]
        for top in range(0, clean.shape[0] - 24, 8)
        for left in range(0, clean.shape[1] - 24, 8)
        if not clean[top : top + 24, left : left + 24].any()
    )
    wrong[window] = added
    found = label_doubts(clean, wrong, sure_of(clean))
    assert {(doubt.kind, doubt.truth_ids, doubt.pred_ids) for doubt in found} == {
        ("extra", (added,), ()),
        ("missing", (), (deleted,)),
        ("shifted", (moved,), (moved,)),
        ("merged", (one,), tuple(sorted((one, other)))),
    }
