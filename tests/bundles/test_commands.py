"""Every bundle by MONAI's own commands, in reduced size: train, evaluate, fine-tune, segment."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import tifffile
import torch

from cellseg_monai.data import write_synthetic_dataset

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"
NARROW = {"patch_attention_unet": {"networks#patch_attention_unet#channels": [8, 16]}}
"""Options that make the network of a bundle small enough to train in a test."""


def run(bundle: Path, config: str, **options: object) -> None:
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", config]
    options = {"bundle_root": bundle, "logging_file": "configs/logging.conf", **options}
    for name, value in options.items():
        command += [f"--{name}", str(value)]
    done = subprocess.run(command, cwd=bundle, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_dataset(
        "nuclei", tmp_path_factory.mktemp("set"), count=8, size=(96, 144), seed=1
    ).parent


@pytest.fixture(scope="module", params=sorted(NARROW))
def trained(request: pytest.FixtureRequest, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundle in a foreign folder, trained for two epochs."""
    bundle = tmp_path_factory.mktemp("server") / request.param
    shutil.copytree(BUNDLES / request.param, bundle)
    run(
        bundle,
        "configs/train.json",
        dataset_dir=dataset,
        output_dir=bundle / "run",
        max_epochs=2,
        folds=4,
        patch_size=32,
        **NARROW[bundle.name],
    )
    return bundle


def test_training_leaves_bare_weights_and_its_state(trained: Path) -> None:
    weights = torch.load(trained / "models/model.pt", weights_only=True)
    assert all(isinstance(tensor, torch.Tensor) for tensor in weights.values())
    assert (trained / "run/training_state.pt").is_file()
    assert list((trained / "run").glob("events.out.tfevents*"))


def test_evaluation_scores_every_image(trained: Path, dataset: Path) -> None:
    configs = "['configs/train.json','configs/evaluate.json']"
    run(
        trained,
        configs,
        dataset_dir=dataset,
        output_dir=trained / "scores",
        patch_size=32,
        **NARROW[trained.name],
    )
    scores = pd.read_csv(trained / "scores/val_mean_dice_raw.csv")
    assert len(scores) == 8
    assert scores["mean"].between(0, 1).all()


def test_segmentation_writes_a_label_map_of_the_size_of_each_image(trained: Path, dataset: Path) -> None:
    run(
        trained,
        "configs/inference.json",
        dataset_dir=dataset,
        output_dir=trained / "result",
        patch_size=32,
        **NARROW[trained.name],
    )
    found = sorted((trained / "result/labels").rglob("*.tif"))
    assert [path.name for path in found] == [f"nuclei_{number:03}.tif" for number in range(8)]
    for path in found:
        label_map = tifffile.imread(path)
        assert label_map.shape == (96, 144)
        assert label_map.dtype == "int32"


def test_fine_tuning_keeps_what_is_frozen_and_the_base(trained: Path, dataset: Path, tmp_path: Path) -> None:
    base = shutil.copy(trained / "models/model.pt", tmp_path / "base.pt")
    before = Path(base).read_bytes()
    run(
        trained,
        "configs/train.json",
        dataset_dir=dataset,
        output_dir=tmp_path,
        ckpt_dir=tmp_path,
        pretrained=base,
        frozen="['encoder.*']",
        max_epochs=1,
        folds=4,
        patch_size=32,
        **NARROW[trained.name],
    )
    tuned = torch.load(tmp_path / "model.pt", weights_only=True)
    kept = {name for name, tensor in torch.load(base, weights_only=True).items() if tensor.equal(tuned[name])}
    assert kept == {name for name in tuned if name.startswith("encoder.")}
    assert Path(base).read_bytes() == before


def test_the_overlay_of_the_publication_trains(trained: Path, dataset: Path, tmp_path: Path) -> None:
    run(
        trained,
        "['configs/train.json','configs/as_published.json']",
        dataset_dir=dataset,
        output_dir=tmp_path,
        ckpt_dir=tmp_path,
        max_epochs=1,
        folds=4,
        patch_size=32,
        **NARROW[trained.name],
    )
    state = torch.load(tmp_path / "training_state.pt", weights_only=True)
    assert state["items"]["optimizer"]["param_groups"][0]["initial_lr"] == 1e-5
