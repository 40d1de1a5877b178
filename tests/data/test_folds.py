from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.data import (
    first_n,
    foreground_fraction,
    groups_in_common,
    hold_out,
    k_folds,
    list_items,
    one_fold,
)


def items(count: int, group_size: int = 1, modalities: str = "a") -> list[dict]:
    return [
        {
            "image": f"{i:03}.tif",
            "group": f"g{i // group_size}",
            "modality": modalities[i % len(modalities)],
            "foreground": (i * 37 % 100) / 100,
        }
        for i in range(count)
    ]


@given(
    count=st.integers(5, 60), group_size=st.integers(1, 4), folds=st.integers(2, 5), seed=st.integers(0, 9)
)
def test_each_image_validates_once_and_groups_stay_whole(
    count: int, group_size: int, folds: int, seed: int
) -> None:
    dataset = items(count, group_size)
    if len({item["group"] for item in dataset}) < folds:
        return
    splits = k_folds(dataset, folds, seed)
    validated = Counter(item["image"] for _, validation in splits for item in validation)
    assert validated == Counter(item["image"] for item in dataset)
    for training, validation in splits:
        assert validation
        assert len(training) + len(validation) == count
        assert groups_in_common(training, validation) == []


def test_folds_are_equal_in_size_and_mixture() -> None:
    dataset = items(60, modalities="abc")
    for _, validation in k_folds(dataset, 5):
        assert len(validation) == 12
        assert Counter(item["modality"] for item in validation) == {"a": 4, "b": 4, "c": 4}
        assert np.mean([item["foreground"] for item in validation]) == pytest.approx(0.5, abs=0.1)


def test_fewer_groups_than_folds_make_fewer_folds(caplog: pytest.LogCaptureFixture) -> None:
    dataset = items(6, group_size=2)
    assert k_folds(dataset, 5) == k_folds(dataset, 3)
    assert [record.getMessage() for record in caplog.records] == [
        "3 folds instead of 5, because there are only 3 groups"
    ]


def test_one_fold_is_that_of_all() -> None:
    dataset = items(9)
    assert [one_fold(dataset, fold, folds=3, seed=2) for fold in range(3)] == k_folds(dataset, 3, seed=2)


def test_folds_repeat_for_a_seed_and_differ_between_seeds() -> None:
    dataset = items(30)
    assert k_folds(dataset, 5, seed=3) == k_folds(dataset, 5, seed=3)
    assert k_folds(dataset, 5, seed=3) != k_folds(dataset, 5, seed=4)


def test_fold_does_not_depend_on_where_the_data_lie() -> None:
    def names(prefix: str) -> list[list[str]]:
        moved = [item | {"image": f"{prefix}/{item['image']}"} for item in items(20)]
        return [[Path(item["image"]).name for item in validation] for _, validation in k_folds(moved, 4)]

    assert names("/here") == names("/somewhere/else")


@pytest.mark.parametrize(("fraction", "expected"), [(0.1, 2), (0.25, 5), (0.5, 10)])
def test_hold_out_takes_the_fraction(fraction: float, expected: int) -> None:
    training, validation = hold_out(items(20), fraction)
    assert (len(training), len(validation)) == (20 - expected, expected)


def test_first_n_keeps_the_order() -> None:
    first, rest = first_n(items(5), 2)
    assert [item["image"] for item in first + rest] == [item["image"] for item in items(5)]


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (lambda: k_folds(items(9), 1), "at least 2 folds, not 1"),
        (lambda: k_folds(items(9, group_size=9)), r"9 images of 1 group cannot be .* with --validation_dir"),
        (lambda: hold_out(items(9, group_size=9)), "9 images of 1 group cannot be split, because a group"),
        (
            lambda: one_fold(items(6, group_size=2), 4),
            r"fold=4: there are 3 folds; choose --fold 0 to 2",
        ),
        (lambda: one_fold(items(9), -1), r"fold=-1: there are 5 folds; choose --fold 0 to 4"),
        (lambda: hold_out(items(9), 1.0), r"fraction must be between 0 and 1, not 1\.0"),
        (lambda: first_n(items(9), 9), "count must be from 1 to 8 for 9 images, not 9"),
        (lambda: first_n(items(9, group_size=3), 4), "would divide group g1"),
    ],
    ids=["folds", "one group", "one group held out", "no such fold", "negative", "fraction", "count", "torn"],
)
def test_refusals(split, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split()


def test_foreground_is_read_from_the_mask(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "m.tif", np.array([[0, 5, 5, 0]], np.uint8))
    assert foreground_fraction({"image": "a", "label": tmp_path / "m.tif"}) == 0.5
    assert foreground_fraction({"image": "a"}) == 0.0


def test_real_modalities_are_spread_over_the_folds(real_data: Path) -> None:
    dataset = list_items(real_data / "multimodal/train", modality="^[a-z]+")
    for _, validation in k_folds(dataset, 5):
        kinds = Counter(item["modality"] for item in validation)
        assert kinds["histology"] == 4
        assert 1 <= kinds["fluo"] <= 2
        assert 7 <= len(validation) <= 9
