"""Images that are given as masks."""

from pathlib import Path

import numpy as np
import pytest
from tifffile import imwrite

from cellseg_monai.data import read_label_map, read_pixels
from cellseg_monai.data.readers.mask_check import looks_like_an_image

SETS = (
    "tasks/nuclei",
    "tasks/phase",
    "tasks/filaments",
    "neurites",
    "multimodal",
    "multiclass/white_blood_cells",
)


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())[:6]


@pytest.mark.parametrize("name", SETS)
def test_images_and_masks_of_real_datasets_are_told_apart(real_data: Path, name: str) -> None:
    for file in files(real_data / name / "train/masks"):
        read_label_map(file)
    for file in files(real_data / name / "train/images"):
        pixels = read_pixels(file)
        assert looks_like_an_image(pixels if pixels.ndim == 2 else pixels[..., 0]), file


def test_small_cells_that_fill_the_image_are_a_mask() -> None:
    side = 6
    rows, columns = np.indices((120, 120)) // side
    assert not looks_like_an_image((1 + rows * 20 + columns).astype(np.int32))


def test_an_image_as_mask_is_told(tmp_path: Path) -> None:
    imwrite(tmp_path / "a.tif", np.random.default_rng(0).integers(1, 255, (64, 64), np.uint8))
    with pytest.raises(
        ValueError, match=r"a\.tif: neighbouring pixels have different values, so this is an im"
    ):
        read_label_map(tmp_path / "a.tif")
