"""From annotated images to a bundle, end to end."""

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from tifffile import imread, imwrite

import cellseg_monai as cs
from cellseg_monai.bundling import check_bundles
from cellseg_monai.cli import main
from cellseg_monai.data import labelled, list_items, read_pixels
from cellseg_monai.outputs import verify_run
from cellseg_monai.planning import prepare
from cellseg_monai.planning.candidates import mean_weights

NARROW = {"network_def#architecture#channels": [8, 16], "patch_size": 64}


@pytest.fixture(scope="module")
def images(real_images: Path) -> Path:
    return real_images / "nuclei/train"


@pytest.fixture(scope="module")
def trained(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, cs.planning.Trained]:
    folder = tmp_path_factory.mktemp("trained") / "my_cells"
    return folder, cs.train(images, folder, start="none", minutes=0.4, options=NARROW)


@pytest.mark.slow
def test_the_result_is_a_bundle_that_segments(trained, images: Path, tmp_path: Path) -> None:
    folder, found = trained
    assert (found.kept, found.metric, list(found.scores)) == ("trained", "f1@0.5", ["trained"])
    assert not check_bundles(folder).failed
    assert {"models", "configs", "report.html", "plan.json", "bundle.yaml"} <= {
        file.name for file in folder.iterdir()
    }
    labels = cs.predict(folder, [images / "images"], tmp_path)
    assert labels
    assert all(imread(file).dtype == np.int32 for file in labels)


@pytest.mark.slow
def test_its_record_names_images_and_results(trained, images: Path) -> None:
    folder, found = trained
    told = json.loads((folder / "run.json").read_text())["train"]
    assert (told["exit"], told["seed"], told["kept"]) == ("done", 0, found.kept)
    assert told["options"]["options"] == NARROW
    files = sorted(str(file) for kind in ("images", "masks") for file in (images / kind).iterdir())
    assert sorted(entry["file"] for entry in told["inputs"]) == files
    assert {"models/model.pt", "configs/inference.json"} <= {entry["file"] for entry in told["outputs"]}
    assert not [fault for fault in verify_run(folder).failures if fault.work == "train"]


@pytest.mark.slow
def test_it_ends_in_time(trained) -> None:
    assert trained[1].minutes < 1.5  # of 0.4, on a machine that may be busy; the training itself is shorter


@pytest.mark.slow
def test_the_same_call_has_nothing_left_to_do(trained, images: Path) -> None:
    folder, found = trained
    weights = (folder / "models/model.pt").read_bytes()
    again = cs.train(images, folder, start="none", minutes=0.4, options=NARROW)
    assert again.scores == found.scores
    assert (folder / "models/model.pt").read_bytes() == weights


@pytest.mark.slow
def test_folds_a_learning_curve_and_test_images(images: Path, tmp_path: Path) -> None:
    small = tmp_path / "set"
    for kind in ("images", "masks"):
        (small / kind).mkdir(parents=True)
        for file in sorted((images / kind).iterdir())[:4]:
            imwrite(small / kind / f"{file.stem}.tif", read_pixels(file)[:160, :192])
    found = cs.train(
        small, tmp_path / "b", start="none", minutes=1.5, test=images, folds=2, how_many_more=True,
        options=NARROW,
    )  # fmt: skip
    assert list(found.folds) == ["trained", "fold 2"]
    assert list(found.curve) == [1, 2]
    held_out = json.loads((tmp_path / "b/training/held_out/images.json").read_text())["training"]
    assert sorted(Path(item["image"]).stem for item in held_out) == sorted(
        file.stem for file in (small / "images").iterdir()
    )
    assert list(found.out_of_fold) == list(found.test) == ["f1@0.5", "dice"]
    text = str(found)
    for words in (
        "all images, out of fold",
        "trained with 1 image:",
        "on the test images: f1@0.5",
        "annotations: ",
    ):
        assert words in text
    card = (tmp_path / "b/docs/README.md").read_text()
    assert "the test images" in card
    assert "Plan" in (tmp_path / "b/report.html").read_text()


@pytest.mark.slow
def test_monai_alone_repeats_the_training(trained) -> None:
    folder, found = trained
    command = found.command.replace("python ", f"{shlex.quote(sys.executable)} ", 1)
    subprocess.run(command, shell=True, check=True, capture_output=True)
    assert (folder / "again/model.json").is_file()


@pytest.mark.slow
def test_another_training_does_not_take_its_folder(trained, images: Path) -> None:
    with pytest.raises(ValueError, match="was begun with other values of seed; give the same"):
        cs.train(images, trained[0], start="none", minutes=0.4, options=NARROW, seed=1)


@pytest.mark.slow
def test_the_bundle_is_not_worse_than_its_start(images: Path, tmp_path: Path) -> None:
    options = {"learning_rate": 1.0}  # ruins the weights
    found = cs.train(images, tmp_path / "b", start="patch_attention_unet", minutes=0.3, options=options)
    assert found.scores["start"] > found.scores["trained"]
    assert found.kept in ("shipped", "start")
    assert found.scores[found.kept] == max(found.scores.values())
    start = torch.load(tmp_path / "b/training/start/model.pt", weights_only=True)  # and shipped: the same
    kept = torch.load(tmp_path / "b/models/model.pt", weights_only=True)
    assert all(torch.equal(start[name], tensor) for name, tensor in kept.items())
    settings = json.loads((tmp_path / "b/models/model.json").read_text())
    assert settings["bundle"] == ".."


def test_a_folder_with_other_files_is_not_used(images: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match="the folder is not empty; choose a new one for the bundle"):
        cs.train(images, tmp_path)
    assert [file.name for file in tmp_path.iterdir() if file.name != ".cellseg"] == ["notes.txt"]


def test_a_dry_run_writes_nothing(images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", str(images), "--out", str(tmp_path / "b"), "--from", "none", "--dry-run"]) == 0
    assert "start: random weights, network of patch_attention_unet" in capsys.readouterr().out
    assert not (tmp_path / "b").exists()


def test_images_without_masks_are_told(
    tmp_path: Path, images: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(images / "images", tmp_path / "set/images")
    assert main(["train", str(tmp_path / "set"), "--out", str(tmp_path / "b")]) == 1
    assert "has a label; put masks/ beside images/" in capsys.readouterr().err
    assert not (tmp_path / "b").exists()


def _masks(folder: Path, change) -> None:
    for file in list((folder / "masks").iterdir()):
        image = next((folder / "images").glob(f"{file.stem}.*"))
        pixels = change(read_pixels(file), image)
        file.unlink()
        imwrite(file.with_suffix(".tif"), pixels)


@pytest.mark.parametrize(("change", "message"), [
    (lambda labels, image: labels * 0, "the masks of all 3 images are empty; annotate cells first"),
    (lambda labels, image: labels[:-1], "a mask must have the size of its image"),
    (lambda labels, image: read_pixels(image), "looks like a microscope image and not like a label map"),
], ids=["empty", "another size", "images"])  # fmt: skip
def test_masks_that_cannot_be_trained_on_are_told_before_anything_is_written(
    images: Path, tmp_path: Path, change, message: str
) -> None:
    for kind in ("images", "masks"):
        (tmp_path / "set" / kind).mkdir(parents=True)
        for file in sorted((images / kind).iterdir())[:3]:
            shutil.copy(file, tmp_path / "set" / kind)
    _masks(tmp_path / "set", change)
    with pytest.raises(ValueError, match=message):
        cs.train(tmp_path / "set", tmp_path / "b")
    assert [file.name for file in tmp_path.iterdir()] == ["set"]


def test_one_image_is_told(images: Path, tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / "set" / kind).mkdir(parents=True)
        shutil.copy(sorted((images / kind).iterdir())[0], tmp_path / "set" / kind)
    with pytest.raises(ValueError, match="annotate another one, or give validation images with --val"):
        cs.train(tmp_path / "set", tmp_path / "b")
    assert [file.name for file in tmp_path.iterdir()] == ["set"]


def test_a_model_that_was_trained_for_such_images_is_the_start(images: Path) -> None:
    found = prepare(labelled(list_items(images)), "patch_attention_unet")
    assert found.start is not None
    assert found.start.score > 0.8
    assert found.source.name == "patch_attention_unet"


def test_the_mean_of_weights_of_two_versions(tmp_path: Path) -> None:
    """Earlier versions wrote another prefix when they trained at a scale."""
    for name, prefix, value in (("one", "network.", 1.0), ("other", "", 3.0)):
        file = tmp_path / name / "model.pt"
        file.parent.mkdir()
        weights = {"w": torch.full((2,), value), "n": torch.tensor(int(value))}
        torch.save({f"{prefix}{key}": tensor for key, tensor in weights.items()}, file)
        cs.runtime.keep_settings(file, scale=value)
    files = (tmp_path / name / "model.pt" for name in ("one", "other", "mean"))
    one, other, mean = files
    file = mean_weights([one, other], mean, tmp_path)
    mean = torch.load(file, weights_only=True)
    assert (mean["w"].tolist(), mean["n"].item()) == ([2.0, 2.0], 3)
    assert json.loads(file.with_suffix(".json").read_text())["settings"]["scale"] == 3.0


@pytest.mark.parametrize(("options", "message"), [
    ({"minutes": 0}, "minutes=0 must be positive"),
    ({"start": "nowhere"}, "nowhere: there is no such bundle"),
    ({"folds": 5, "minutes": 2}, "minutes=2 is too short for 5 trainings; give at least 2.5"),
    ({"folds": 2, "validation": "."}, "folds=2 validate on the images themselves"),
], ids=["no time", "no such start", "too short for folds", "folds and validation"])  # fmt: skip
def test_a_call_that_cannot_work_is_told(images: Path, tmp_path: Path, options, message) -> None:
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        cs.train(images, tmp_path / "b", **options)
    assert not (tmp_path / "b").exists()


def test_a_bundle_is_not_written_among_the_images(images: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(images, tmp_path / "set")
    with pytest.raises(ValueError, match="the folder is among the images; choose another one"):
        cs.train(folder, folder / "my_bundle")
    assert not (folder / "my_bundle").exists()


def test_a_start_that_does_not_fit_the_masks_is_told(tmp_path: Path) -> None:
    for kind, dtype in (("images", np.uint8), ("masks", np.uint8)):
        (tmp_path / kind).mkdir()
        for name in "ab":
            pixels = np.zeros((64, 64), dtype)
            pixels[8:30, 8:30], pixels[34:60, 34:60] = 128, 255
            imwrite(tmp_path / kind / f"{name}.tif", pixels)
    with pytest.raises(ValueError, match="cannot be the start: it was not trained for classes"):
        prepare(labelled(list_items(tmp_path)), "skip_unet")


def test_images_of_two_channels_get_a_network_of_their_own(images: Path, tmp_path: Path) -> None:
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
    for item in list_items(images)[:2]:
        pixels, name = read_pixels(item["image"]), f"{Path(item['image']).stem}.tif"
        imwrite(tmp_path / "images" / name, np.stack([pixels, pixels[::-1]]), metadata={"axes": "CYX"})
        shutil.copy(item["label"], tmp_path / "masks" / Path(item["label"]).name)
    found = prepare(labelled(list_items(tmp_path)))
    assert found.start is None
    assert found.plan.settings["in_channels"] == 2
    assert "no model of the package reads images of 2 channels" in str(found)
