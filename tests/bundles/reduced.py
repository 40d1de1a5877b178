"""Every bundle in a foreign folder, in reduced size, run by MONAI's own commands."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch
from monai.bundle import ConfigParser

from tests.forked.commands import run

BUNDLES = Path(__file__).resolve().parents[2] / "bundles"

NARROW: Mapping[str, Mapping[str, Any]] = {
    "attention_unetpp": {
        "network_def#architecture#channels": [4, 4, 8, 8, 8],
        "patch_size": 32,
        "scale": 1.0,
    },
    "patch_attention_unet": {"network_def#architecture#channels": [8, 16], "patch_size": 32},
    "skip_swin_unet": {
        "network_def#architecture#feature_size": 12,
        "network_def#architecture#depths": [2, 2],
        "network_def#architecture#num_heads": [1, 2],
        "patch_size": 56,
    },
    "skip_unet": {"network_def#architecture#channels": [4, 8, 16], "patch_size": 32},
    "generalist_nuclei": {
        "network_def#architecture#channels": [8, 16],
        "patch_size": 32,
    },
    "stemcell_unet": {"network_def#architecture#channels": [4, 8, 8], "patch_size": 32, "scale": 1.0},
    "swin_unetr": {"network_def#architecture#feature_size": 12, "patch_size": 64, "scale": 1.0},
}
"""Options that make the network of a bundle small enough to train in a test."""

TWO_KINDS = ("patch_attention_unet", "skip_swin_unet")
"""A convolutional network and a transformer, for what is the same in all bundles: see `test_identical.py`."""


def words(verb: str, **options: object) -> list[str]:
    """What stands after ``python`` on the command line."""
    typed = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    return ["-m", "monai.bundle", verb, *typed]


@dataclass(frozen=True)
class Bundle:
    """A copy of a bundle and the options that make it small.

    Attributes:
        path: its folder, outside of the repository.
        options: of the training; inference and evaluation find them beside the weights.
    """

    path: Path
    options: Mapping[str, Any]

    def run(self, *configs: str, **options: object) -> None:
        """``python -m monai.bundle run`` as a user types it."""
        self.command("run", **self.settings(*configs, **options))

    def settings(self, *configs: str, **options: object) -> dict[str, object]:
        """The options of ``run``: configurations laid over each other, in training the size, and these."""
        files = [f"configs/{name}.json" for name in configs]
        size = self.options if "train" in configs and not any("evaluate" in name for name in configs) else {}
        return {"config_file": files if len(files) > 1 else files[0], **size, **options}

    def command(self, verb: str, expected: int = 0, **options: object) -> str:
        """Any command of ``monai.bundle``, in the folder of the bundle; its output."""
        done = run(words(verb, **options), self.path)
        assert done.returncode == expected, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout + done.stderr


def labels_in(folder: Path) -> dict[str, np.ndarray]:
    """The label maps that an inference has written, by their names."""
    return {path.name: tifffile.imread(path) for path in sorted((folder / "labels").rglob("*.tif"))}


def copied(name: str, folder: Path) -> Bundle:
    """A bundle as it lies on somebody else's machine."""
    shutil.copytree(BUNDLES / name, folder / name)
    return Bundle(folder / name, NARROW[name])


def narrowed(folder: Path) -> Bundle:
    """A patch_attention_unet whose own network is narrow, with weights as they come."""
    bundle = copied("patch_attention_unet", folder)
    for name in ("train", "inference"):
        file = bundle.path / f"configs/{name}.json"
        config = ConfigParser.load_config_file(file)
        config["network_def"]["architecture"]["channels"] = [8, 16]
        ConfigParser.export_config_file(config, str(file))
    torch.manual_seed(0)
    parser = ConfigParser(config)
    torch.save(parser.get_parsed_content("network_def").state_dict(), bundle.path / "models/model.pt")
    return bundle
