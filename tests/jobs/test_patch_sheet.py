import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cellseg_monai.data import list_items, write_synthetic_dataset
from cellseg_monai.jobs.patch_sheet import preview


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_dataset("tissue", tmp_path_factory.mktemp("set"), count=3, size=(80, 112))


def test_sheet_holds_the_patches_asked_for(dataset: Path, tmp_path: Path) -> None:
    sheet = Image.open(preview(dataset, tmp_path / "new/a.png", patch_size=48, count=5))
    assert sheet.size == (5 * 50 + 2, 52)


def test_seed_decides_which_patches(dataset: Path, tmp_path: Path) -> None:
    def pixels(seed: int) -> np.ndarray:
        return np.asarray(Image.open(preview(dataset, tmp_path / "a.png", patch_size=48, count=6, seed=seed)))

    first = pixels(1)
    np.testing.assert_array_equal(pixels(1), first)
    assert (pixels(2) != first).any()


def test_fewer_patches_than_images(dataset: Path, tmp_path: Path) -> None:
    assert Image.open(preview(dataset, tmp_path / "a.png", patch_size=48, count=1)).size == (52, 52)


def test_images_without_labels_are_refused(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"none of the 1 images, .* has a label"):
        preview(tmp_path, tmp_path / "sheet.png")


def test_real_patches_of_two_modalities(real_images: Path, tmp_path: Path) -> None:
    listing = tmp_path / "dataset.json"
    items = [item for folder in ("nuclei/train", "tissue") for item in list_items(real_images / folder)]
    listing.write_text(json.dumps({"training": items}))
    sheet = Image.open(preview(listing, tmp_path / "a.png", patch_size=48, count=7))
    assert sheet.size == (7 * 50 + 2, 52)


def test_real_patches_of_every_modality(real_data: Path, tmp_path: Path) -> None:
    sheet = Image.open(preview(real_data / "multimodal/train", tmp_path / "a.png", count=39))
    assert sheet.size == (8 * 130 + 2, 5 * 130 + 2)
