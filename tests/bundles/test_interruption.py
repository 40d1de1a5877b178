"""A training that is killed at any moment ends, run again, with the weights of one that was not."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.bundles.reduced import Bundle, copied


def options(bundle: Bundle, dataset: Path, output: Path, workers: int) -> dict[str, object]:
    return {
        **bundle.options,
        "dataset_dir": dataset,
        "output_dir": output,
        "ckpt_dir": output,
        "max_epochs": 6,
        "folds": 4,
        "num_workers": workers,
    }


def killed(bundle: Bundle, settings: dict[str, object], output: Path, after: float) -> None:
    """Start the training and kill it so many seconds after its first state was written."""
    words = [word for name, value in settings.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "monai.bundle", "run", "--config_file", "configs/train.json", *words]
    training = subprocess.Popen(
        command, cwd=bundle.path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    while not (output / "training_state.pt").exists():
        assert training.poll() is None, "it ended before it began"
        time.sleep(0.02)
    time.sleep(after)
    training.kill()
    training.wait()


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_and_run_again_it_has_the_same_weights(workers: int, dataset: Path, tmp_path: Path) -> None:
    bundle = copied("patch_attention_unet", tmp_path)
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    bundle.run("train", **options(bundle, dataset, whole, workers))
    settings = options(bundle, dataset, parts, workers)
    for _ in range(2):
        killed(bundle, settings, parts, after=random.Random(workers).uniform(0.0, 3.0))
    bundle.run("train", **settings)
    for name in ("model.pt", "training_state.pt"):
        one, other = (torch.load(folder / name, weights_only=True) for folder in (whole, parts))
        assert one.keys() == other.keys()
    weights, others = (
        torch.load(folder / "training_state.pt", weights_only=True)["items"]["network"]
        for folder in (whole, parts)
    )
    assert all(tensor.equal(others[key]) for key, tensor in weights.items())
    best, same = (torch.load(folder / "model.pt", weights_only=True) for folder in (whole, parts))
    assert all(tensor.equal(same[key]) for key, tensor in best.items())
