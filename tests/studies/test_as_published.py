"""Each study with the settings of its publication, in its smallest form, from the command line."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch

from cellseg_monai.cli import main
from cellseg_monai.studies import Recipe
from tests.bundles.reduced import BUNDLES
from tests.studies.conftest import BUNDLE

TINY = {
    "patch_attention_unet": ["network_def#architecture#channels=[8,16]", "patch_size=64"],
    "attention_unetpp": ["network_def#architecture#channels=[4,4,8,8,8]", "patch_size=32"],
    "skip_unet": ["network_def#architecture#channels=[4,8,16]", "patch_size=224"],
}
NETWORKS = [
    "patch_size=32",
    "networks#unet#architecture#channels=[4,8]",
    "networks#unet#architecture#strides=[2]",
    "networks#attention_unetpp#architecture#channels=[4,4,8,8,8]",
]


def study(
    verb: str, bundle: str, out: Path, *words: object, options: list[str] | None = None
) -> pd.DataFrame:
    """Run a study for one epoch and return its results; each run decodes as its publication does."""
    given = ["--set", *(TINY[bundle] if options is None else options), "max_epochs=1"]
    arguments = [verb, BUNDLES / bundle, *words, "--as-published", "--out", out, *given]
    assert main(["study", *map(str, arguments)]) == 0
    for weights in out.glob("runs/*/model.pt"):
        settings = json.loads(weights.with_suffix(".json").read_text())["settings"]
        assert settings["decoding"]["_target_"] == "cellseg_monai.instances.Componentsd"
        assert settings["min_size"] == 0
    return pd.read_csv(out / "results.csv")


def options_of(folder: Path) -> dict[str, Any]:
    """Options of a training by their names."""
    words = json.loads((folder / "command.json").read_text())[4:]
    return dict(zip((name.removeprefix("--") for name in words[::2]), words[1::2], strict=True))


@pytest.fixture(scope="module")
def folds(train: Path, test: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, Path]:
    out = tmp_path_factory.mktemp("folds")
    words = ["--data", train, "--test", test, "--folds", 2]
    return study("cross-validate", "patch_attention_unet", out, *words), out


def test_folds_are_scored_as_published(folds: tuple[pd.DataFrame, Path]) -> None:
    found, out = folds
    assert "configs/as_published.json" in options_of(out / "runs/fold_1")["config_file"]
    assert found["dice"].between(0, 1).all()
    counts = found[found["test"] == "left_out"][["learned_from", "validated_on", "training_images"]]
    assert (counts["learned_from"] + counts["validated_on"] == counts["training_images"]).all()


def test_options_override_the_publication(folds: tuple[pd.DataFrame, Path]) -> None:
    """One epoch instead of a hundred, and a smaller network."""
    options = options_of(folds[1] / "runs/fold_1")
    assert (options["max_epochs"], options["patch_size"]) == ("1", "64")
    log = (folds[1] / "runs/fold_1/training.log").read_text()
    assert "epoch 1/1" in log.lower()
    state = torch.load(folds[1] / "runs/fold_1/model.pt", weights_only=True)
    assert max(len(value) for value in state.values() if value.ndim) <= 16


def test_a_bundle_without_a_publication_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"as_published.json is missing: .*leave out --as-published"):
        Recipe(tmp_path).as_published()
    with pytest.raises(FileNotFoundError, match=r"as_published_multi_class.json is missing"):
        Recipe(BUNDLE, {"classes": {"0": 0}}).as_published()


def test_fine_tuning_learns_from_all_images(train: Path, shifted: Path, tmp_path: Path) -> None:
    words = ["--base-data", train, "--target-data", shifted, "--tests", "2,2", "--counts", 2]
    found = study("finetune", "patch_attention_unet", tmp_path, *words, "--base-count", 2)
    assert set(found["learned_from"]) == {2}
    assert set(found["validated_on"]) == {0}
    assert options_of(tmp_path / "runs/first_2-seed_0")["val_interval"] == "@max_epochs"
    assert "| learned from | validated on | parameters |" in (tmp_path / "table.md").read_text()
    taught = json.loads((tmp_path / "runs/first_2-seed_0/train.json").read_text())["training"]
    first = sorted(path.stem for path in (shifted / "images").iterdir())[:2]
    assert [item["name"] for item in taught] == first


@pytest.mark.slow
def test_learning_curve(train: Path, test: Path, tmp_path: Path) -> None:
    words = ["--data", train, "--test", test, "--counts", 2]
    assert len(study("learning-curve", "patch_attention_unet", tmp_path, *words)) == 1


@pytest.mark.slow
def test_gates(train: Path, test: Path, tmp_path: Path) -> None:
    found = study("ablate-gates", "attention_unetpp", tmp_path, "--data", train, "--test", test)
    assert found.set_index("variant")["parameters"].idxmax() == "G2.1+G0.3+G1.2"


@pytest.mark.slow
def test_networks(train: Path, test: Path, tmp_path: Path) -> None:
    words = ["--data", train, "--test", test, "--networks", "unet", "attention_unetpp"]
    found = study("compare", "attention_unetpp", tmp_path, *words, options=NETWORKS)
    assert found["parameters"].nunique() == 2


@pytest.mark.slow
def test_skips(train: Path, test: Path, tmp_path: Path) -> None:
    found = study("ablate-skips", "skip_unet", tmp_path, "--data", train, "--test", test)
    assert found["parameters"].is_monotonic_increasing


@pytest.mark.slow
def test_students(train: Path, test: Path, shifted: Path, tmp_path: Path) -> None:
    words = ["--labelled", train, "--unlabelled", shifted / "images", "--test", test, "--networks", "unet"]
    found = study("pseudo-label", "attention_unetpp", tmp_path, *words, options=NETWORKS)
    models = {"student_unet": "fixed_teacher", "consistent_unet": "semi_supervised"}
    for model, overlay in models.items():
        configs = options_of(tmp_path / f"runs/{model}-seed_0")["config_file"]
        assert "configs/as_published.json" in configs
        assert configs.index("as_published") < configs.index(overlay)
    assert set(found["model"]) == {"supervised", "student", "consistent", "trained_on"}
