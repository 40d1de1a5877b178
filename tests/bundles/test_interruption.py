"""A training that is killed at any moment ends, run again, with the weights of one that was not."""

import random
import time
from pathlib import Path

import pytest
import torch

from tests.bundles.reduced import Bundle, copied, words
from tests.forked.commands import start


def settings(bundle: Bundle, dataset: Path, output: Path, workers: int) -> dict[str, object]:
    where = {"dataset_dir": dataset, "output_dir": output, "ckpt_dir": output}
    return bundle.settings("train", **where, max_epochs=6, folds=4, num_workers=workers)


def killed(bundle: Bundle, options: dict[str, object], output: Path, after: float) -> None:
    """Start the training and kill it so many seconds after its first state was written."""
    training = start(words("run", **options), bundle.path)
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
    bundle.command("run", **settings(bundle, dataset, whole, workers))
    options = settings(bundle, dataset, parts, workers)
    for _ in range(2):
        killed(bundle, options, parts, after=random.Random(workers).uniform(0.0, 3.0))
    bundle.command("run", **options)
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
