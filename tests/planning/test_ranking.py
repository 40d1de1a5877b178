"""Which model suits images, with labels and without."""

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from tifffile import imread, imwrite

from cellseg_monai.cli import main
from cellseg_monai.planning import Trial, rank_models
from cellseg_monai.planning.ranking import Ranking, agreement, plausible
from cellseg_monai.runtime import find_bundle

NUCLEI = [find_bundle(name) for name in ("stemcell_unet", "attention_unetpp", "patch_attention_unet")]
"""The last two were trained on such images, the first was not."""


@pytest.fixture
def images(real_images: Path) -> Path:
    return real_images / "nuclei/train"


@pytest.fixture
def one_image(images: Path, tmp_path: Path) -> Path:
    (tmp_path / "one").mkdir()
    shutil.copy(min((images / "images").iterdir()), tmp_path / "one")
    return tmp_path / "one"


def test_with_labels_the_score_is_that_of_the_truth(images: Path) -> None:
    found = rank_models(images, models=NUCLEI)
    assert found.measure == "f1@0.5"
    assert found.fits
    assert {trial.model.name for trial in found.trials} == {model.name for model in NUCLEI}
    assert [trial.score for trial in found.trials] == sorted((t.score for t in found.trials), reverse=True)
    assert found.trials[0].model != NUCLEI[0]
    assert "cellseg train" in str(found)


def test_without_labels_the_models_that_know_such_images_agree(one_image: Path) -> None:
    found = rank_models(one_image, models=NUCLEI)
    assert found.measure == "agreement"
    assert found.fits
    assert found.trials[-1].model == NUCLEI[0]
    assert found.trials[-1].score < 0.5
    assert "annotate 5 images" in str(found)


def test_of_noise_nothing_is_known(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (128, 128)).astype(np.uint8)
    imwrite(tmp_path / "noise.tif", noise)
    found = rank_models(tmp_path, models=NUCLEI)
    assert not found.fits
    assert "none is known to fit. Annotate 5 images and train" in str(found)
    assert "cellseg predict" not in str(found)


def test_no_trial_begins_after_the_time(images: Path) -> None:
    found = rank_models(images, models=NUCLEI, seconds=0)
    assert (found.trials, found.fits) == ((), False)


@pytest.mark.slow
def test_the_command_runs_and_segments_at_the_scale(
    images: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All models, by the command line."""
    assert main(["models", "--for", str(images)]) == 0
    lines = capsys.readouterr().out.splitlines()
    heading, best = lines[0].split(), lines[1].split()
    assert heading == ["model", "scale", "F1@0.5", "s/MP"]
    (command,) = (line.strip() for line in lines if "cellseg predict" in line)
    assert best[0] in command
    words = shlex.split(command.replace("RESULT", shlex.quote(str(tmp_path / "out"))))
    assert main(words[1:]) == 0
    assert list((tmp_path / "out/labels").rglob("*.tif"))


def test_the_command_has_the_options_that_belong_to_the_scale(one_image: Path, tmp_path: Path) -> None:
    model = find_bundle("patch_attention_unet")
    half = Ranking(one_image, "dice", [Trial(model, 0.5, 0.9, 1.0)]).command
    assert half.endswith("--set scale=0.5 patch_size=256 min_size=60")
    whole = Ranking(one_image, "dice", [Trial(model, 1.0, 0.9, 1.0)]).command
    assert whole == f"cellseg predict patch_attention_unet {one_image} --out RESULT"
    maps = []
    for name, command in (("half", half), ("whole", whole)):
        words = shlex.split(command.replace("RESULT", shlex.quote(str(tmp_path / name))))
        assert main(words[1:]) == 0
        (file,) = (tmp_path / name / "labels").rglob("*.tif")
        maps.append(imread(file))
    assert (maps[0] != maps[1]).any()


def test_an_object_that_fills_the_image_is_no_cell() -> None:
    cells = np.ones((40, 40), np.int32)
    cells[10:20, 10:20] = 2
    kept = plausible(cells)
    assert set(np.unique(kept)) == {0, 2}
    assert agreement([kept], [kept]) == 1
    assert agreement([plausible(np.ones_like(cells))], [plausible(np.ones_like(cells))]) == 0


def test_masks_of_classes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[8:30, 8:30], pixels[34:60, 34:60] = 128, 255
    for name in "ab":
        imwrite(tmp_path / f"{name}.tif", pixels)
        imwrite(tmp_path / f"{name}_mask.tif", pixels)
    assert main(["models", "--for", str(tmp_path)]) == 1
    assert "the masks hold classes, for which the package has no model" in capsys.readouterr().err


def test_a_list_without_labels(one_image: Path, tmp_path: Path) -> None:
    (image,) = one_image.iterdir()
    file = tmp_path / "list.json"
    file.write_text(json.dumps({"training": [{"image": str(image)}]}))
    assert rank_models(file, models=NUCLEI[-1:]).measure == "agreement"
