"""``cellseg data check`` tells what a training would refuse, and what it would choose."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellseg_monai.cli import main
from cellseg_monai.data import labelled, list_items, write_synthetic_dataset
from cellseg_monai.planning import check_for_training, plan_training, prepare
from cellseg_monai.planning.splits import split_trainings

PIXELS = np.random.default_rng(0)
CELLS = np.zeros((64, 64), np.uint8)
CELLS[4:20, 4:20], CELLS[4:20, 20:40] = 1, 2


def dataset(folder: Path, channels: list[int], labels: np.ndarray = CELLS) -> Path:
    for name, count in zip("abcdef", channels, strict=False):
        shape = (64, 64) if count == 1 else (count, 64, 64)
        for kind, pixels in (("images", PIXELS.integers(0, 4000, shape, np.uint16)), ("masks", labels)):
            path = folder / kind / f"{name}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            axes = {"axes": "CYX"} if pixels.ndim == 3 else {}
            tifffile.imwrite(path, pixels, photometric="minisblack", metadata=axes)
    return folder


def test_it_chooses_as_a_training_from_random_weights(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_synthetic_dataset("nuclei", tmp_path, count=3, size=(96, 128))
    planned = prepare(list_items(folder), "none").plan.choices
    found = check_for_training(folder)
    assert found.choices
    assert set(map(str, found.choices)) <= set(map(str, planned))
    assert main(["data", "check", str(folder)]) == 0
    text = capsys.readouterr().out
    assert "cellseg train sees 3 images" in text
    for choice in found.choices:
        assert str(choice).splitlines()[0] in text
    assert main(["data", "check", str(folder), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["training"]
    assert [choice["what"] for choice in listed] == [choice.what for choice in found.choices]


@pytest.mark.parametrize(
    ("channels", "labels", "message"),
    [
        ([1, 1], CELLS * 0, "the masks of all 2 images are empty"),
        ([2, 3], CELLS, "it has 2 channels, but others have 3"),
        ([1, 5], CELLS, "it has 1 channel, but others have 5"),
    ],
    ids=["empty masks", "two and three channels", "grey and five channels"],
)
def test_it_fails_where_a_training_would(
    channels: list[int], labels: np.ndarray, message: str, tmp_path: Path
) -> None:
    found = check_for_training(dataset(tmp_path, channels, labels))
    assert found.failed
    (error,) = [str(finding) for finding in found.report.findings if finding.severity.value == "error"]
    assert message in error


def test_one_image_needs_others_for_the_validation(tmp_path: Path) -> None:
    found = check_for_training(dataset(tmp_path, [1]))
    assert not found.failed
    (warning,) = map(str, found.report.findings)
    assert "1 image of one patient, slide or well cannot be split into training and validation" in warning
    assert warning.endswith("; annotate another one, or give validation images with --val")


@pytest.mark.parametrize(
    "channels", [[1, 1], [1, 3], [2, 2]], ids=["grey", "grey and colour", "two channels"]
)
def test_it_passes_where_a_training_would(channels: list[int], tmp_path: Path) -> None:
    found = check_for_training(dataset(tmp_path, channels))
    assert not found.failed
    items = labelled(list_items(tmp_path))
    split_trainings(items)
    notes = [finding.message for finding in found.report.findings if finding.check == "channels"]
    refused = ["images have 2 channels, which the models of the package refuse"]
    assert notes == (refused if channels == [2, 2] else [])
    assert found.facts is not None
    assert set(map(str, found.choices)) <= set(map(str, plan_training(found.facts).choices))


def test_images_without_masks_that_the_models_refuse(tmp_path: Path) -> None:
    dataset(tmp_path, [2, 1])
    for file in (tmp_path / "masks").iterdir():
        file.unlink()
    found = check_for_training(tmp_path)
    assert found.facts is None
    assert "images have 2 channels, which the models of the package refuse" in str(found)


def test_the_part_for_training_is_planned_for(tmp_path: Path) -> None:
    for part in ("train", "test"):
        dataset(tmp_path / part, [1, 1, 1])
    facts = check_for_training(tmp_path).facts
    assert facts is not None
    assert facts.images == 3
