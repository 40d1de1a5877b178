"""Robustness: changes of images checked by hand, and a study of a threshold on synthetic nuclei."""

import shutil
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
import tifffile
import torch
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.data import list_items, write_synthetic_dataset
from cellseg_monai.studies import CHANGES, Recipe, robustness
from tests.bundles.threshold import threshold_bundle

CHOSEN = ["turn=quarter,up-down", "brightness=50", "noise=5,60", "pixel_size=200"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return threshold_bundle(tmp_path_factory.mktemp("threshold"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_dataset(
        "nuclei", tmp_path_factory.mktemp("nuclei"), count=2, size=(96, 128)
    ).parent


@pytest.fixture(scope="module")
def study(bundle: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("study") / "out"
    words = ["study", "robustness", str(bundle), "--data", str(data), "--out", str(out)]
    assert main([*words, "--changes", *CHOSEN]) == 0
    return out


def test_table_has_a_row_a_level(study: Path) -> None:
    table = pd.read_csv(study / "robustness.csv").set_index(["change", "level"])
    assert [f"{change} {level}" for change, level in table.index] == [
        "plain –", "turn quarter", "turn up-down", "brightness 50", "noise 5", "noise 60", "pixel_size 200",
    ]  # fmt: skip
    assert (table["images"] == 2).all()
    assert table.loc[("plain", "–"), "dice"] > 0.95
    assert (table["dice_low"] <= table["dice"]).all()
    assert (table["dice"] <= table["dice_high"]).all()
    # A threshold of single pixels ignores a rotation, and the intensity stretch undoes the brightness.
    assert (table.loc["turn", ["same_dice", "same_f1@0.5"]] == 1).all(axis=None)
    assert (table.loc["turn", "dice"] == table.loc[("plain", "–"), "dice"]).all()
    assert table.loc[("brightness", "50"), "same_dice"] > 0.99
    assert table.loc[("noise", "60"), "dice"] < table.loc[("noise", "5"), "dice"] < 1


def test_scores_are_those_of_the_evaluations(study: Path) -> None:
    table = pd.read_csv(study / "robustness.csv").set_index(["change", "level"])
    own = pd.read_csv(study / "runs/noise_60/test/scores.csv")
    assert table.loc[("noise", "60"), "dice"] == pytest.approx(own["dice"].mean(), abs=1e-5)
    assert table.loc[("noise", "60"), "f1@0.5"] == pytest.approx(own["f1@0.5"].mean(), abs=1e-5)


def test_images_are_changed_and_labels_move_with_them(study: Path) -> None:
    plain, turned, small = (
        tifffile.imread(next((study / "images" / run / "masks").iterdir()))
        for run in ("plain", "turn_quarter", "pixel_size_200")
    )
    np.testing.assert_array_equal(turned, np.rot90(plain))
    assert small.shape == (48, 64)
    dark, bright = (
        tifffile.imread(next((study / "images" / run / "images").iterdir()))
        for run in ("brightness_50", "plain")
    )
    assert dark.dtype == bright.dtype
    np.testing.assert_allclose(dark, bright / 2, atol=0.51)


def test_plot_and_table_for_people(study: Path) -> None:
    drawing = ElementTree.parse(study / "robustness.svg").getroot()
    assert len(drawing.findall("{http://www.w3.org/2000/svg}svg")) == 3  # turns have no order
    assert "| noise | 60 | 1 | 2 | 0." in (study / "table.md").read_text()
    assert (study / "report.html").is_file()


def test_the_same_command_does_nothing_again(study: Path, bundle: Path, data: Path) -> None:
    done = {file: file.stat().st_mtime_ns for file in study.glob("runs/*/done.json")}
    images = {file: file.stat().st_mtime_ns for file in study.glob("images/*/images/*")}
    words = ["study", "robustness", str(bundle), "--data", str(data), "--out", str(study)]
    assert main([*words, "--changes", *CHOSEN]) == 0
    assert done == {file: file.stat().st_mtime_ns for file in study.glob("runs/*/done.json")}
    assert images == {file: file.stat().st_mtime_ns for file in study.glob("images/*/images/*")}


def test_a_study_with_other_inputs_is_rejected(study: Path, bundle: Path, data: Path, tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(1, 1, 1, 1), "bias": torch.zeros(1)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"started with other weights; choose another --out"):
        robustness(Recipe(bundle), list_items(data), study, weights=tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"started with other seed"):
        robustness(Recipe(bundle, seeds=[1]), list_items(data), study)
    with pytest.raises(ValueError, match=r"started with other images"):
        robustness(Recipe(bundle), list_items(data)[:1], study)


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (
            {"dust": ()},
            r"'dust' is not a change; choose one of turn, brightness, blur, noise, jpeg, pixel_size",
        ),
        ({"turn": ["45"]}, r"turn=45 must be one of quarter, half, three-quarters, left-right, up-down"),
        ({"blur": ["much"]}, r"blur=much must be a number above 0$"),
        ({"jpeg": [0]}, r"jpeg=0 must be a number above 0 and at most 100"),
        ({"jpeg": [101]}, r"jpeg=101 must be a number above 0 and at most 100"),
    ],
    ids=["change", "turn", "text", "zero", "quality"],
)
def test_unknown_changes_and_levels_are_rejected(
    bundle: Path, data: Path, tmp_path: Path, levels: dict[str, list[float | str]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        robustness(Recipe(bundle), list_items(data), tmp_path / "out", levels)
    assert not (tmp_path / "out").exists()


def test_a_bundle_without_weights_or_images_of_one_name(bundle: Path, data: Path, tmp_path: Path) -> None:
    items = list_items(data)
    with pytest.raises(ValueError, match=r"images must have different names"):
        robustness(Recipe(bundle), [items[0], items[0]], tmp_path / "out")
    shutil.copytree(bundle / "configs", tmp_path / "bare/configs")
    with pytest.raises(
        FileNotFoundError, match=r"model.pt is missing; train the bundle, or choose weights with --weights"
    ):
        robustness(Recipe(tmp_path / "bare"), items, tmp_path / "out")


def changed(name: str, pixels: npt.NDArray[np.generic], level: float | str) -> npt.NDArray[np.generic]:
    return CHANGES[name].of_image(pixels, level, 0)


PICTURE = np.arange(24, dtype=np.uint16).reshape(1, 4, 6) * 1000


@pytest.mark.parametrize("turn", CHANGES["turn"].levels)
def test_a_turn_moves_image_and_labels_alike(turn: str) -> None:
    image = changed("turn", np.repeat(PICTURE, 3, axis=0), turn)
    labels = CHANGES["turn"].of_labels(PICTURE[0].astype(np.int32), turn)
    assert (image == labels).all()
    by_hand = {
        "quarter": PICTURE[0].T[::-1], "half": PICTURE[0, ::-1, ::-1],
        "three-quarters": PICTURE[0].T[:, ::-1],
        "left-right": PICTURE[0, :, ::-1], "up-down": PICTURE[0, ::-1],
    }  # fmt: skip
    np.testing.assert_array_equal(labels, by_hand[turn])


def test_brightness_is_cut_off_at_the_type_of_the_file() -> None:
    assert changed("brightness", PICTURE, 200).max() == 46_000
    assert changed("brightness", PICTURE * 2, 200).max() == 65_535
    assert changed("brightness", np.full((1, 1, 1), 2.0, np.float32), 200).item() == 4.0


def test_blur_keeps_channels_apart_and_the_mean() -> None:
    two = np.stack([np.zeros((9, 9)), np.pad([[90.0]], 4)]).astype(np.float32)
    soft = changed("blur", two, 1)
    assert not soft[0].any()
    assert soft[1].sum() == pytest.approx(90, rel=1e-3)
    assert soft[1, 4, 4] == pytest.approx(90 / (2 * np.pi), rel=0.01)  # of a Gaussian with sigma 1


def test_noise_is_a_share_of_the_contrast_and_of_a_seed() -> None:
    halves = np.repeat(np.array([[10_000, 20_000]], np.uint16), 5000, axis=0).reshape(1, 100, 100)
    noise = changed("noise", halves, 10).astype(float) - halves
    assert noise.std() == pytest.approx(1000, rel=0.05)
    assert (changed("noise", halves, 10) == changed("noise", halves, 10)).all()
    assert (CHANGES["noise"].of_image(halves, 10, 1) != changed("noise", halves, 10)).any()


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_jpeg_is_that_of_pillow(channels: int) -> None:
    rows, columns = np.mgrid[:16, :16]
    pixels = np.stack([rows * 15, columns * 15, rows + columns][:channels]).astype(np.uint8)
    found = changed("jpeg", pixels, 50)
    buffer = BytesIO()
    shown = np.moveaxis(pixels, 0, -1) if channels == 3 else pixels[0]
    Image.fromarray(np.ascontiguousarray(shown)).save(buffer, "JPEG", quality=50)
    expected = np.asarray(Image.open(buffer))
    np.testing.assert_array_equal(np.moveaxis(found, 0, -1) if channels == 3 else found[0], expected)
    assert found.shape == pixels.shape


@pytest.mark.parametrize(("percent", "shape"), [(50, (8, 12)), (200, (2, 3)), (140, (3, 4))])
def test_size_of_a_pixel(percent: float, shape: tuple[int, int]) -> None:
    labels = np.array([[1, 1, 0, 0, 70_000, 70_000]] * 4, np.int32)
    scaled = CHANGES["pixel_size"].of_labels(labels, percent)
    assert changed("pixel_size", PICTURE, percent).shape == (1, *shape)
    assert scaled.shape == shape
    assert scaled.dtype == np.int32
    assert set(np.unique(scaled)) == {0, 1, 70_000}
