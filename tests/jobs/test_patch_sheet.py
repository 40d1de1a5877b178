import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.colours import class_colours
from cellseg_monai.data import list_items, write_synthetic_dataset
from cellseg_monai.jobs.patch_sheet import preview
from cellseg_monai.planning import fingerprint, plan_training


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_dataset("tissue", tmp_path_factory.mktemp("set"), count=3, size=(80, 112))


def test_sheet_holds_the_patches_asked_for(dataset: Path, tmp_path: Path) -> None:
    sheet = Image.open(preview(dataset, tmp_path / "new/a.png", patch_size=48, count=5))
    assert sheet.size == (5 * 242 + 2, 244)


def test_seed_decides_which_patches(dataset: Path, tmp_path: Path) -> None:
    def pixels(seed: int) -> np.ndarray:
        return np.asarray(Image.open(preview(dataset, tmp_path / "a.png", patch_size=48, count=6, seed=seed)))

    first = pixels(1)
    np.testing.assert_array_equal(pixels(1), first)
    assert (pixels(2) != first).any()


def test_patches_have_the_pixels_of_the_network(dataset: Path, tmp_path: Path) -> None:
    path = preview(dataset, tmp_path / "a.png", patch_size=64, scale=0.5, count=1)
    drawn = np.asarray(Image.open(path))[2:-2, 2:-2]
    assert drawn.shape == (256, 256, 3)  # 32 pixels of the network, each 8 by 8
    blocks = drawn.reshape(32, 8, 32, 8, 3)
    plain = (blocks == blocks[:, :1, :, :1]).all(axis=(1, 3, 4))
    assert plain.mean() > 0.5  # without those under lines
    with pytest.raises(ValueError, match=r"scale=0 must be above 0"):
        preview(dataset, tmp_path / "a.png", scale=0)


def test_the_command_takes_size_and_scale_of_the_training(
    dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = plan_training(fingerprint(list_items(dataset))).settings
    words = ["data", "patches", str(dataset), "--out", str(tmp_path / "a.png"), "--count", "2"]
    assert main(words) == 0
    size, scale = settings["patch_size"], settings["scale"]
    assert f"patches of {size} pixels at scale {scale:g}: " in capsys.readouterr().out
    assert main([*words, "--scale", "0.25"]) == 0
    assert f"patches of {size} pixels at scale 0.25: " in capsys.readouterr().out


def test_classes_have_their_colours_and_a_legend(tmp_path: Path) -> None:
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    labels = np.zeros((64, 64), np.uint8)
    labels[10:30, 10:30], labels[30:50, 10:50] = 128, 255
    for name in "abc":
        Image.fromarray(labels // 2).save(tmp_path / f"images/{name}.png")
        Image.fromarray(labels).save(tmp_path / f"masks/{name}.png")
    words = ["data", "patches", str(tmp_path), "--out", str(tmp_path / "a.png"), "--count", "3"]
    assert main(words) == 0
    sheet = np.asarray(Image.open(tmp_path / "a.png"))
    assert sheet.shape[0] > 260
    for colour in class_colours([1, 2]).tolist():
        assert colour in sheet[260:].reshape(-1, 3).tolist()
        assert colour in sheet[:260].reshape(-1, 3).tolist()


def test_fewer_patches_than_images(dataset: Path, tmp_path: Path) -> None:
    assert Image.open(preview(dataset, tmp_path / "a.png", patch_size=48, count=1)).size == (244, 244)


def test_images_without_labels_are_refused(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"none of the 1 images, .* has a label"):
        preview(tmp_path, tmp_path / "sheet.png")


def test_real_patches_of_two_modalities(real_images: Path, tmp_path: Path) -> None:
    listing = tmp_path / "dataset.json"
    items = [item for folder in ("nuclei/train", "tissue") for item in list_items(real_images / folder)]
    listing.write_text(json.dumps({"training": items}))
    sheet = Image.open(preview(listing, tmp_path / "a.png", patch_size=48, count=7))
    assert sheet.size == (7 * 242 + 2, 244)


def test_real_patches_of_every_modality(real_data: Path, tmp_path: Path) -> None:
    sheet = Image.open(preview(real_data / "multimodal/train", tmp_path / "a.png", count=39))
    assert sheet.size == (8 * 258 + 2, 5 * 258 + 2)
