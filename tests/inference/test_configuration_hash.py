import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.transforms import Compose, RandFlipd, ScaleIntensityRanged

from cellseg_monai.inference import TiledInferer
from cellseg_monai.inference.configuration_hash import configuration_hash
from cellseg_monai.instances import Componentsd, tile_grid


class Scaled(torch.nn.Module):
    """An option that is neither a weight nor shown."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor


def network(seed: int, width: int = 2) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Conv2d(1, width, 3), torch.nn.BatchNorm2d(width)).eval()


def stretch(top: float) -> Compose:
    return Compose([ScaleIntensityRanged("image", 0, top, 0, 1), RandFlipd("image")])


DIFFERENT: dict[str, tuple[Any, Any]] = {
    "numbers": (1, 1.0),
    "texts": ("1", 1),
    "nested lists": ([[1], 2], [1, [2]]),
    "values of a dictionary": ({"a": 1}, {"a": 2}),
    "weights": (network(0), network(1)),
    "structures": (network(0), network(0, width=3)),
    "options of a network": (Scaled(1.0), Scaled(2.0)),
    "decodings": (Componentsd("pred", threshold=0.5), Componentsd("pred", threshold=0.6)),
    "inferers": (TiledInferer(window=64), TiledInferer(window=96)),
    "transforms": (stretch(255.0), stretch(65535.0)),
    "arguments of a function": (partial(tile_grid, halo=8), partial(tile_grid, halo=9)),
    "functions": (np.add, np.subtract),
    "arrays": (np.zeros(3), np.zeros(3, np.float32)),
    "tensors of half precision": (torch.zeros(2).half(), torch.ones(2).half()),
    "types": (torch.float16, torch.bfloat16),
    "sets": ({1, 2}, {1, 3}),
}


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_differs_has_another(one: Any, other: Any) -> None:
    assert configuration_hash(one) != configuration_hash(other)


@pytest.mark.parametrize(
    "make",
    [
        partial(network, 0),
        partial(stretch, 255.0),
        partial(TiledInferer, 64),
        partial(dict, b=1, a=torch.device("cpu")),
    ],
    ids=["network", "transforms", "inferer", "dictionary"],
)
def test_what_is_equal_has_the_same(make: Any) -> None:
    assert configuration_hash(make()) == configuration_hash(make())


def test_training_mode_is_no_difference() -> None:
    assert configuration_hash(network(0)) == configuration_hash(network(0).train())


def test_an_object_may_hold_itself() -> None:
    holder: list[Any] = [1]
    holder.append(holder)
    assert len(configuration_hash(holder)) == 16


def test_is_the_same_in_another_process() -> None:
    program = (
        "from tests.inference.test_configuration_hash import *;"
        "print(configuration_hash(network(0), stretch(1.0), {'a', 'b'}))"
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).resolve().parents[2]), *sys.path]),
        "PYTHONHASHSEED": "7",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == configuration_hash(network(0), stretch(1.0), {"a", "b"}), done.stderr
