"""Each study in its smallest form, on real images, from the command line."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.data import list_items
from cellseg_monai.runtime import keep_settings
from cellseg_monai.studies import Run, curve_of, estimate, perform, table_of
from tests.bundles.reduced import BUNDLES
from tests.studies.conftest import BUNDLE, SMALL

OPTIONS = [f"{name}={value}" for name, value in SMALL.items()]

TWO_NETWORKS = ["unet", "monai_attention_unet"]
TINY_NETWORKS = [
    *("--set", "patch_size=32", "max_epochs=1"),
    *(f"networks#{name}#architecture#channels=[4,8]" for name in TWO_NETWORKS),
    *(f"networks#{name}#architecture#strides=[2]" for name in TWO_NETWORKS),
]


def study(verb: str, out: Path, *words: object) -> pd.DataFrame:
    """Run a study, check that its files exist, and return the results."""
    options = OPTIONS if "--set" not in words else []
    arguments = ["study", verb, *map(str, words), "--out", str(out)]
    assert main([*arguments, "--set", *options] if options else arguments) == 0
    assert (out / "table.md").read_text().startswith("| ")
    assert "<svg" in (out / "report.html").read_text()
    assert len(pd.read_csv(out / "images.csv"))
    return pd.read_csv(out / "results.csv")


def test_cross_validation_scores_every_image_once(train: Path, test: Path, tmp_path: Path) -> None:
    found = study(
        "cross-validate", tmp_path, BUNDLE, "--data", train, "--folds", 2, "--test", test, "--calibrated"
    )
    images = pd.read_csv(tmp_path / "images.csv")
    left_out = images[images["test"] == "left_out"]
    assert sorted(left_out["image"]) == sorted(path.stem for path in (train / "images").iterdir())
    assert found.groupby("test")["images"].sum().to_dict() == {"left_out": 5, "test": 4}
    assert found["dice"].between(0, 1).all()
    assert set(found["parameters"]) == {6851}
    assert found["training_seconds"].min() > 0
    assert len(list(tmp_path.glob("runs/fold_?/calibration/decoding.json"))) == 2


def test_learning_curve_draws_more_of_the_same(train: Path, test: Path, tmp_path: Path) -> None:
    found = study("learning-curve", tmp_path, BUNDLE, "--data", train, "--test", test, "--counts", "2,4")
    assert found["training_images"].tolist() == [2, 4]
    curve = pd.read_csv(tmp_path / "learning_curve.csv")
    assert curve["score"].tolist() == pytest.approx(found["dice"].tolist(), abs=1e-5)
    assert "Score by number of training images" in (tmp_path / "report.html").read_text()


def test_networks_differ_in_size(train: Path, test: Path, tmp_path: Path) -> None:
    words = [BUNDLE, "--data", train, "--test", test, "--networks", *TWO_NETWORKS]
    found = study("compare", tmp_path, *words, *TINY_NETWORKS)
    assert found["variant"].tolist() == TWO_NETWORKS
    assert f"| {found['parameters'][0]:,} |" in (tmp_path / "table.md").read_text()
    assert found["parameters"].nunique() == 2


def test_the_networks_need_not_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "nowhere"), "--test", str(tmp_path)]
    assert main(["study", "compare", str(BUNDLE), *data, "--out", str(tmp_path)]) == 1
    assert "nowhere: there is no such folder" in capsys.readouterr().err


@pytest.mark.slow
def test_gates_of_a_unetpp(train: Path, test: Path, tmp_path: Path) -> None:
    options = ["--set", "network_def#architecture#channels=[4,4,8,8,8]", "patch_size=32", "max_epochs=1"]
    words = [BUNDLES / "attention_unetpp", "--data", train, "--test", test]
    found = study("ablate-gates", tmp_path, *words, *options)
    assert len(found) == 7
    assert found.set_index("variant")["parameters"].idxmax() == "G2.1+G0.3+G1.2"


@pytest.mark.slow
def test_skips_of_a_unet(train: Path, test: Path, tmp_path: Path) -> None:
    options = ["--set", "network_def#architecture#channels=[4,8,16]", "patch_size=32", "max_epochs=1"]
    found = study("ablate-skips", tmp_path, BUNDLES / "skip_unet", "--data", train, "--test", test, *options)
    assert found["variant"].tolist() == [
        f"skip_unet, {skip}" for skip in ("standard", "convolutional", "fusion")
    ]
    assert found["parameters"].is_monotonic_increasing
    assert found["parameters"].nunique() == 3


@pytest.mark.slow
def test_new_weights_are_decoded_as_they_were_validated(test: Path, tmp_path: Path) -> None:
    """The weights of skip_unet are calibrated; the new ones differ from them by a thousandth."""
    shipped = BUNDLES / "skip_unet/models/model.pt"
    weights = tmp_path / "model.pt"
    state = torch.load(shipped, weights_only=True)
    state[next(iter(state))] *= 1.001
    torch.save(state, weights)
    new = Run("new", BUNDLES / "skip_unet", [], {"test": list_items(test)}, pretrained=weights)
    decodings = {
        "new": {},
        "plain": {"threshold": 0.5, "seed_height": 0.25, "min_size": 15},
        "calibrated": {"threshold": 0.3, "seed_height": 0.4, "min_size": 26},
    }
    for name, options in decodings.items():
        perform(replace(new, name=name, options=options), tmp_path / name)
    own, plain, calibrated = (pd.read_csv(tmp_path / run / "test/scores.csv") for run in decodings)
    pd.testing.assert_frame_equal(own, plain)
    assert not own.equals(calibrated)


def test_settings_beside_weights_belong_to_a_run_without_training(tmp_path: Path) -> None:
    weights = tmp_path / "model.pt"
    weights.write_bytes(b"weights")
    run = Run("one", BUNDLES / "skip_unet", [], {}, pretrained=weights)
    before = run.settings
    keep_settings(weights, threshold=0.3)
    assert run.settings != before
    assert replace(run, train=[{"image": "a.tif", "label": "b.tif"}]).settings["kept_settings"] is None


@pytest.mark.slow
def test_skips_by_classes(train: Path, test: Path, tmp_path: Path) -> None:
    """The nuclei of odd ids are one class, the others another."""
    for source in (train, test):
        shutil.copytree(source / "images", tmp_path / source.name / "images")
        (tmp_path / source.name / "masks").mkdir()
        for mask in (source / "masks").iterdir():
            ids = np.array(Image.open(mask))
            classes = np.where(ids > 0, np.where(ids % 2, 128, 255), 0).astype(np.uint8)
            Image.fromarray(classes).save(tmp_path / source.name / "masks" / mask.name)
    options = ["--set", "network_def#architecture#channels=[4,8]", "patch_size=64", "max_epochs=1"]
    words = [BUNDLES / "skip_unet", "--data", tmp_path / "train", "--test", tmp_path / "test"]
    found = study("ablate-skips", tmp_path / "out", *words, "--classes", "0=0", "128=1", "255=2", *options)
    assert len(found) == 3
    assert found[["miou", "mdice_foreground", "image_mdice"]].stack().between(0, 1).all()
    head = "| variant | runs | images | miou | mdice | miou_foreground | mdice_foreground | learned from |"
    assert head in (tmp_path / "out/table.md").read_text()


def counted(run: str, *tp_fp_fn: tuple[int, int, int]) -> pd.DataFrame:
    """Images of a run with one class."""
    return pd.DataFrame(tp_fp_fn, columns=["tp:1", "fp:1", "fn:1"]).assign(run=run, training_images=5)


def test_scores_of_classes_are_pooled_within_a_run() -> None:
    """Run a: 2 of 4 pixels together, whose images have 1 and 1/3. Run b: 1 of 1."""
    first, second = counted("a", (1, 0, 0), (1, 1, 1)), counted("b", (1, 0, 0))
    assert estimate(first, "miou").value == 0.5
    assert (estimate(first, "miou").low, estimate(first, "miou").high) == (pytest.approx(1 / 3), 1)
    both = pd.concat([first, second])
    assert estimate(both, "miou").value == 0.75
    assert curve_of(both)["score"].tolist() == [0.5, 1]
    assert curve_of(both, "mdice_foreground")["score"].tolist() == [pytest.approx(2 / 3), 1]
    assert "| 5 | 2 | 3 | 0.750 (0.500 to 1.000) |" in table_of(both, ["training_images"], ["miou"])


def test_classes_have_no_pieces() -> None:
    with pytest.raises(ValueError, match="do not separate cells"):
        Run("one", BUNDLE, [], {}, {"classes": {"0": 0}}, pieces=True)


@pytest.mark.slow
def test_fine_tuning_shows_gain_and_loss(train: Path, shifted: Path, tmp_path: Path) -> None:
    words = ["--base-data", train, "--target-data", shifted, "--counts", "2,3", "--tests", "2,2"]
    ways = ["--choose", "first", "uncertain", "diverse"]
    found = study("finetune", tmp_path, BUNDLE, *words, *ways, "--tuning", "learning_rate=1e-4")
    assert sorted(set(found["run"])) == sorted(
        ["base", *(f"{way}_{count}-seed_0" for way in ways[1:] for count in (2, 3))]
    )
    moved = pd.read_csv(tmp_path / "transfer.csv").set_index(["chosen", "new_images"])
    scores = found.set_index(["run", "test"])["dice"]
    gained = scores["first_2-seed_0", "new_data"] - scores["base", "new_data"]
    lost = scores["base", "old_data"] - scores["first_2-seed_0", "old_data"]
    assert moved.loc[("first", 2), "transfer"] == pytest.approx(gained, abs=1e-5)
    assert moved.loc[("first", 2), "forgetting"] == pytest.approx(lost, abs=1e-5)
    width, _ = Image.open(tmp_path / "new_data.png").size
    assert width == 5 * 256  # image, base, two numbers of images, truth


@pytest.mark.slow
def test_students_learn_from_images_without_labels(
    train: Path, test: Path, shifted: Path, tmp_path: Path
) -> None:
    data = ["--labelled", train, "--unlabelled", shifted / "images", "--test", test]
    words = [*data, "--modality", r"_[A-Z](\d)", "--networks", *TWO_NETWORKS]
    found = study("pseudo-label", tmp_path, BUNDLE, *words, "--continued", "rampup_epochs=0", *TINY_NETWORKS)
    validated = found[found["test"] == "validation"].set_index("network")["f1@0.5"]
    assert validated.index.tolist() == TWO_NETWORKS
    teacher = validated.idxmax()
    by_modality = (tmp_path / "modality.md").read_text().splitlines()
    assert {line.split(" | ")[0] for line in by_modality[2:]} == {"| 1", "| 2"}
    found = found[found["test"] == "test"].set_index(["model", "network"])
    assert found.index.tolist() == [
        *(("supervised", name) for name in TWO_NETWORKS),
        *(("student", name) for name in TWO_NETWORKS),
        ("consistent", teacher),
        ("trained_on", teacher),
    ]
    assert set(found["training_images"]) == {4}
    assert found.loc[("consistent", teacher), "dice"] != found.loc[("trained_on", teacher), "dice"]
    for name in TWO_NETWORKS:
        command = json.loads((tmp_path / f"runs/student_{name}-seed_0/command.json").read_text())
        assert "--pretrained" not in command
        weights = tmp_path / f"runs/supervised_{teacher}-seed_0/model.pt"
        assert command[command.index("--teacher_weights") + 1] == str(weights)
