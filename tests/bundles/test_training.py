"""Training, scoring and fine-tuning by MONAI's own commands."""

import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from tests.bundles.reduced import TWO_KINDS, Bundle, copied


def test_training_leaves_bare_weights_and_its_state(trained: Bundle) -> None:
    weights = torch.load(trained.path / "models/model.pt", weights_only=True)
    assert all(isinstance(tensor, torch.Tensor) for tensor in weights.values())
    assert (trained.path / "run/training_state.pt").is_file()
    assert list((trained.path / "run").glob("events.out.tfevents*"))
    assert (trained.path / "run/validation.png").is_file()


@pytest.mark.parametrize(
    "options",
    [
        {"max_epochs": 1, "val_interval": 5},
        {"train#trainer#max_epochs": 1},  # as MONAI Label asks for epochs
    ],
)
def test_a_training_of_one_epoch_is_validated(options: dict[str, int], dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    bundle = copied("skip_unet", tmp_path)
    bundle.run("train", dataset_dir=dataset, output_dir=run, ckpt_dir=run, val_fraction=0.25, **options)
    assert (run / "model.pt").is_file()


def test_a_training_without_hope_warns_with_a_remedy_and_a_silent_one_has_no_picture(
    dataset: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    bundle = copied("skip_unet", tmp_path)
    options = bundle.settings(
        "train", dataset_dir=dataset, output_dir=run, ckpt_dir=run, max_epochs=3, folds=4
    )
    output = bundle.command("run", **options, learning_rate=0.0, threshold=0.999, silent=True)
    for said in (
        "no cell is predicted in any validation image after 33%",
        "the loss has fallen by less than 5%",
    ):
        assert output.count(f"WARNING cellseg_monai.training.early_warnings: {said}") == 1
    assert not (run / "validation.png").exists()


@pytest.mark.parametrize("trained", TWO_KINDS, indirect=True)
def test_evaluation_scores_every_image(trained: Bundle, dataset: Path) -> None:
    scores = trained.path / "scores"
    trained.run("train", "evaluate", dataset_dir=dataset, output_dir=scores)
    for metric in ("val_mean_dice", "val_f1"):
        table = pd.read_csv(scores / f"{metric}_raw.csv")
        assert len(table) == 8
        assert table["mean"].between(0, 1).all()
        assert (scores / f"{metric}_summary.csv").is_file()


@pytest.mark.parametrize("trained", TWO_KINDS, indirect=True)
def test_fine_tuning_keeps_what_is_frozen_and_the_base(
    trained: Bundle, dataset: Path, tmp_path: Path
) -> None:
    base = shutil.copy(trained.path / "models/model.pt", tmp_path / "base.pt")
    before = torch.load(base, weights_only=True)
    first = next(iter(before))
    trained.run(
        "train", dataset_dir=dataset, output_dir=tmp_path, ckpt_dir=tmp_path, pretrained=base,
        frozen=f"['{first}']", max_epochs=1, val_fraction=0.25,
    )  # fmt: skip
    tuned = torch.load(tmp_path / "model.pt", weights_only=True)
    assert tuned[first].equal(before[first])
    assert any(not tensor.equal(before[name]) for name, tensor in tuned.items())
    assert all(tensor.equal(before[name]) for name, tensor in torch.load(base, weights_only=True).items())


def test_tracking_by_mlflow_is_monais(dataset: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="MLflow is optional: pip install 'cellseg-monai[mlflow]'")
    bundle = copied("patch_attention_unet", tmp_path)
    where = {"dataset_dir": dataset, "output_dir": tmp_path / "run", "ckpt_dir": tmp_path}
    bundle.run("train", max_epochs=1, folds=4, tracking="mlflow", **where)
    assert (tmp_path / "run/mlruns.db").is_file()
