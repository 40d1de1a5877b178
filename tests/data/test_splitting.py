"""Images that train and images that validate."""

from pathlib import Path

import pytest

from cellseg_monai.data import hold_out, images_of, one_fold, split_items, write_synthetic_dataset

ITEMS = [{"image": f"{name}.tif"} for name in "abcdefghij"]


def test_a_fold_validates_unless_something_else_is_given() -> None:
    training, validation = split_items(ITEMS, fold=2, folds=5, seed=3)
    assert (training, validation) == tuple(map(list, one_fold(ITEMS, 2, folds=5, seed=3)))
    training, validation = split_items(ITEMS, fold=2, seed=3, val_fraction=0.3)
    assert (training, validation) == tuple(map(list, hold_out(ITEMS, 0.3, seed=3)))
    assert len(validation) == 3


def test_a_dataset_of_its_own_validates_and_all_images_train(tmp_path: Path) -> None:
    folder = write_synthetic_dataset("nuclei", tmp_path / "set", count=2, size=(32, 32)).parent
    training, validation = split_items(ITEMS, validation_dir=folder, val_fraction=0.3)
    assert training == ITEMS
    assert [Path(item["image"]).name for item in validation] == ["nuclei_000.tif", "nuclei_001.tif"]


def test_too_few_images_are_rejected() -> None:
    with pytest.raises(ValueError, match="fold"):
        split_items(ITEMS, fold=7)


def test_labels_are_left_out() -> None:
    assert images_of([{"image": "a.tif", "label": "a.png"}]) == [{"image": "a.tif"}]
