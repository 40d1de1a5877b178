"""A stranger adds a loss, a network, a decoding and a bundle without a change of this package.

Each part is one file of a package outside the repository, as CONTRIBUTING.md describes it: a function first,
below it a class that holds the options. MONAI's own command finds the part by its ``_target_``.
"""

import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
import yaml

from tests.bundles.reduced import BUNDLES, NARROW, words
from tests.forked.commands import run

LOSS = '''
"""Brier score in hundredths of a percent, larger than any other loss here."""

from torch import Tensor
from torch.nn.modules.loss import _Loss


def brier_score(probability: Tensor, target: Tensor) -> Tensor:
    return 10_000 * (probability - target).square().mean()


class BrierLoss(_Loss):
    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return brier_score(input.sigmoid(), target)
'''

NETWORK = '''
"""Two convolutions."""

from torch import nn


class TwoConvolutions(nn.Sequential):
    def __init__(self, in_channels: int, out_channels: int, features: int) -> None:
        first = nn.Conv2d(in_channels, features, kernel_size=3, padding=1)
        super().__init__(first, nn.ReLU(), nn.Conv2d(features, out_channels, kernel_size=1))
'''

DECODING = '''
"""Each line of the foreground is an object."""

from dataclasses import dataclass

import numpy as np
import torch

from cellseg_monai.instances import Decoding, Decodingd


def lines(probability, threshold=0.5):
    return np.where(probability > threshold, 1 + np.arange(len(probability))[:, None], 0)


@dataclass(frozen=True, kw_only=True)
class Lines(Decoding):
    decodes = "foreground"
    channels = 1
    background_first = False

    threshold: float = 0.5

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.sigmoid()

    def decode(self, probability):
        return lines(probability[0], self.threshold)[None]


class Linesd(Decodingd, of=Lines):
    pass
'''

PARTS: Mapping[str, Mapping[str, Any]] = {
    "loss": {"loss": {"_target_": "stranger.loss.BrierLoss"}},
    "network": {
        "network_def": {
            "_target_": "cellseg_monai.runtime.network_of",
            "scale": "@scale",
            "architecture": {
                "_target_": "stranger.network.TwoConvolutions",
                "_mode_": "callable",
                "in_channels": "@in_channels",
                "out_channels": "@out_channels",
                "features": 5,
            },
        }
    },
    "decoding": {
        "target": {"_target_": "cellseg_monai.transforms.BinaryTargetd", "keys": "label"},
        "decoding": {"_target_": "stranger.decoding.Linesd", "keys": "pred", "threshold": 0.4},
    },
}
"""Values of the ids that name a part in train.json."""

TINY = {"patch_size": 32, "patches_per_image": 2, "max_epochs": 1, "folds": 5}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The folder of a stranger with a package of three files."""
    (tmp_path / "stranger").mkdir()
    for name, source in {"loss": LOSS, "network": NETWORK, "decoding": DECODING}.items():
        (tmp_path / f"stranger/{name}.py").write_text(source)
    return tmp_path


def monai_run(home: Path, config: str, bundle: Path, **options: object) -> str:
    """``python -m monai.bundle run`` in the folder of the stranger; what it prints."""
    files = {"config_file": bundle / f"configs/{config}.json", "bundle_root": bundle}
    done = run(words("run", **files, **options), home)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout + done.stderr


def trained_and_segmented(home: Path, bundle: Path, images: Path, options: Mapping[str, Any]) -> str:
    """Train, and segment with the weights, which carry their settings; what the training prints."""
    training = {"dataset_dir": images, "output_dir": home / "run", **TINY, **options}
    told = monai_run(home, "train", bundle, **training)
    where = {"dataset_dir": images / "images", "output_dir": home / "cells"}
    monai_run(home, "inference", bundle, **where, save_probability=True)
    assert len(list((home / "cells/labels").rglob("*.tif"))) == 5
    return told


def is_of_the_loss(told: str) -> bool:
    (loss,) = re.findall(r"epoch 1/1 .* loss ([\d.]+)", told)
    return float(loss) > 100


def is_of_the_network(bundle: Path) -> bool:
    weights = torch.load(bundle / "models/model.pt", weights_only=True)
    return [name for name in weights if name.endswith("weight")] == ["0.weight", "2.weight"]


def is_of_the_decoding(home: Path) -> bool:
    """A line is a column of the file, for MONAI's first axis is the width."""
    found = [tifffile.imread(path) for path in sorted((home / "cells/labels").rglob("*.tif"))]
    probabilities = [tifffile.imread(path) for path in sorted((home / "cells/probability").rglob("*.tif"))]
    line = 1 + np.arange(72)
    return all(
        np.array_equal(label_map, np.where(np.squeeze(probability) > 0.4, line, 0))
        for label_map, probability in zip(found, probabilities, strict=True)
    )


@pytest.mark.parametrize("part", PARTS)
def test_a_part_on_the_command_line(part: str, home: Path, real_images: Path) -> None:
    bundle = Path(shutil.copytree(BUNDLES / "patch_attention_unet", home / "bundle"))
    narrow = {} if part == "network" else NARROW["patch_attention_unet"]
    told = trained_and_segmented(home, bundle, real_images / "nuclei/train", {**narrow, **PARTS[part]})
    used = {
        "loss": is_of_the_loss(told),
        "network": is_of_the_network(bundle),
        "decoding": is_of_the_decoding(home),
    }
    assert used == {name: name == part for name in PARTS}


def test_a_bundle_of_them_all(home: Path, real_images: Path) -> None:
    """One bundle.yaml beside a copy of ``_base`` names the three parts."""
    bundle = home / "bundles/mine"
    shutil.copytree(BUNDLES / "_base", home / "bundles/_base")
    bundle.mkdir()
    sections = {
        "metadata": {"name": "Mine", "description": "Lines of cells", "data_source": "five small images"},
        "shared": {**PARTS["network"], **PARTS["decoding"]},
        "train": {**PARTS["loss"]},
    }
    (bundle / "bundle.yaml").write_text(yaml.safe_dump(sections))
    done = run(["-m", "cellseg_monai.cli", "bundle", "render", "bundles"], home)
    assert done.returncode == 0, done.stderr
    assert json.loads((bundle / "configs/train.json").read_text())["loss"] == PARTS["loss"]["loss"]
    told = trained_and_segmented(home, bundle, real_images / "nuclei/train", {})
    assert is_of_the_loss(told)
    assert is_of_the_network(bundle)
    assert is_of_the_decoding(home)
