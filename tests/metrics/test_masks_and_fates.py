import numpy as np
import pytest

from cellseg_monai.metrics import object_fates, pixel_fates
from cellseg_monai.metrics.mask_content import binary_maps, content_of, pieces_of_mask
from tests.jobs.conftest import discs


@pytest.mark.parametrize(
    ("label_map", "content"),
    [
        ([[0, 0]], "nothing"),
        ([[1, 1, 0]], "one object"),
        ([[7, 0, 7]], "one value in pieces"),
        ([[255, 255]], "0 and 255"),
        ([[1, 255]], "objects"),
    ],
)
def test_content(label_map: list, content: str) -> None:
    assert content_of(np.array(label_map, np.int32)) == content


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (["one object", "nothing"], [False, False]),
        (["one object", "one value in pieces"], [True, True]),
        (["objects", "one value in pieces", "0 and 255"], [False, False, True]),
        (["0 and 255", "nothing"], [True, True]),
        ([], []),
    ],
)
def test_binary(contents: list, expected: list[bool]) -> None:
    assert binary_maps(contents) == expected


def test_pieces_leave_numbered_objects_alone() -> None:
    torn = np.array([[1, 0, 1, 2]], np.int32)
    assert pieces_of_mask(torn) is torn


CELLS = discs(60, [(15, 15), (15, 45), (45, 15), (45, 45)], 9)


def kinds(pred: np.ndarray, truth: np.ndarray = CELLS) -> dict[str, int]:
    return {kind: number for kind, number in object_fates(pred, truth).counts().items() if number}


class TestObjectFates:
    def test_all_found(self) -> None:
        assert kinds(CELLS) == {"matched": 4}

    def test_nothing_predicted_and_nothing_there(self) -> None:
        assert kinds(np.zeros_like(CELLS)) == {"missed": 4}
        assert kinds(CELLS, np.zeros_like(CELLS)) == {"added": 4}
        assert kinds(np.zeros_like(CELLS), np.zeros_like(CELLS)) == {}

    def test_a_split_is_told_once(self) -> None:
        pred = CELLS.copy()
        pred[:, 20:30][pred[:, 20:30] == 1] = 9  # a small piece, so that the rest still matches
        pred[:15][pred[:15] == 2] = 8
        assert kinds(pred) == {"matched": 2, "split": 2}

    def test_a_merge_is_told_once(self) -> None:
        assert kinds(np.where(CELLS == 2, 1, CELLS)) == {"matched": 2, "merged": 1}

    def test_too_little_overlap_is_a_miss_and_an_invention(self) -> None:
        assert kinds(np.where(CELLS == 1, np.roll(CELLS, 8, 0), CELLS * (CELLS != 1))) == {
            "matched": 3, "missed": 1, "added": 1,
        }  # fmt: skip

    def test_threshold(self) -> None:
        eroded = np.where(discs(60, [(15, 15), (15, 45), (45, 15), (45, 45)], 8) > 0, CELLS, 0)
        assert object_fates(eroded, CELLS, 0.5).counts()["matched"] == 4
        assert object_fates(eroded, CELLS, 0.9).counts()["missed"] == 4

    def test_every_object_has_one_fate(self) -> None:
        random = np.random.default_rng(0)
        for _ in range(20):
            truth, pred = (discs(60, random.integers(0, 60, (12, 2)).tolist(), 7) for _ in range(2))
            fates = object_fates(pred, truth)
            for one, other in (
                (fates.matched, fates.added),
                (fates.matched, fates.merged),
                (fates.missed, fates.split),
            ):
                assert not set(np.unique(one)) & set(np.unique(other)) - {0}


def test_pixels() -> None:
    fates = pixel_fates(np.array([[3, 3, 0, 0]]), np.array([[0, 1, 1, 0]]))
    assert [fates.matched.tolist(), fates.missed.tolist(), fates.added.tolist()] == [
        [[0, 1, 0, 0]], [[0, 0, 1, 0]], [[1, 0, 0, 0]],
    ]  # fmt: skip
    assert not fates.split.any()
    assert not fates.merged.any()
