import os
import random
from pathlib import Path

import pytest
import torch

from tests.forked.commands import run

PROGRAM = Path(__file__).with_name("killed_training.py")
ITERATIONS = 18


def tensors(folder):
    """All that two runs are to agree in: weights, moments, teacher, best weights, best metric, patience."""
    state = torch.load(folder / "run" / "state.pt")
    assert state.pop("epoch") == 3
    return {"state": state, "published": torch.load(folder / "models" / "model.pt")}


def flatten(value, name=""):
    if isinstance(value, dict):
        return {key: leaf for part in value for key, leaf in flatten(value[part], f"{name}/{part}").items()}
    return {name: value}


def differences(one, other):
    one, other = flatten(one), flatten(other)
    assert one.keys() == other.keys()
    return [
        name
        for name in one
        if not (
            torch.equal(one[name], other[name])
            if isinstance(one[name], torch.Tensor)
            else one[name] == other[name]
        )
    ]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folders of the runs, and the iterations after which some were killed."""
    if not hasattr(os, "fork"):
        pytest.skip("SIGKILL and fork are POSIX's")
    folder = tmp_path_factory.mktemp("runs")
    kills = sorted(random.SystemRandom().sample(range(1, ITERATIONS), 2))
    train_and_kill(folder, kills)
    return folder, kills


def train_and_kill(folder, kills):
    done = run([str(PROGRAM), str(folder), *map(str, kills)], folder)
    assert done.returncode == 0, f"killed at {kills}: {done.stderr}"


@pytest.mark.slow  # 34 kills, after each of which the training starts again
@pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL and fork are POSIX's")
def test_killed_after_every_iteration_in_turn_it_ends_bit_for_bit_the_same(tmp_path):
    train_and_kill(tmp_path, range(1, ITERATIONS))
    for workers in (0, 2):
        killed, whole = tensors(tmp_path / f"killed{workers}"), tensors(tmp_path / f"whole{workers}")
        assert differences(killed, whole) == []


@pytest.mark.parametrize("num_workers", [0, 2], ids=["in the process", "two workers"])
def test_ends_bit_for_bit_as_if_never_killed(runs, num_workers):
    folder, kills = runs
    killed, whole = tensors(folder / f"killed{num_workers}"), tensors(folder / f"whole{num_workers}")
    assert differences(killed, whole) == [], f"killed at {kills}"


def test_depends_on_the_seed(runs):
    folder, _ = runs
    found = differences(tensors(folder / "other seed"), tensors(folder / "whole0"))
    assert {"/state/items/network/0.weight", "/state/items/teacher/0.weight"} <= set(found)
