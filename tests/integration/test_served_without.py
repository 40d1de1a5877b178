"""A server that lacks a package keeps serving what does not need it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from monai.networks.nets import UNet

from tests.integration.served import narrowed, serving, write_dots

pytestmark = pytest.mark.label

HIDE = """
import os, sys

class Hiding:
    def __init__(self, finder):
        self.finder = finder
    def find_spec(self, name, *more):
        return None if name.partition(".")[0] == os.environ["HIDDEN"] else self.finder.find_spec(name, *more)
    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path = [
    finder if getattr(finder, "__name__", "") in ("BuiltinImporter", "FrozenImporter") else Hiding(finder)
    for finder in sys.meta_path
]
"""
"""A ``sitecustomize`` that makes a package unknown to Python."""

UNET = {"spatial_dims": 2, "in_channels": 1, "out_channels": 1, "channels": [4, 8], "strides": [2]}


def write_foreign_bundle(folder: Path) -> None:
    """A bundle of MONAI's parts alone."""
    (folder / "configs").mkdir(parents=True)
    (folder / "models").mkdir()
    tensor = {
        "type": "image",
        "format": "magnitude",
        "num_channels": 1,
        "spatial_shape": [8, 8],
        "dtype": "float32",
    }
    outputs = {"pred": tensor | {"channel_def": {"0": "background", "1": "cell"}}}
    metadata = {"version": "1", "network_data_format": {"inputs": {"image": tensor}, "outputs": outputs}}
    inference = {
        "network_def": {"_target_": "UNet", **UNET},
        "preprocessing": {
            "_target_": "Compose",
            "transforms": [{"_target_": "LoadImaged", "keys": "image", "ensure_channel_first": True}],
        },
        "postprocessing": {
            "_target_": "Compose",
            "transforms": [
                {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5, "dtype": "$torch.uint8"},
                {"_target_": "SqueezeDimd", "keys": "pred", "dim": 0},
            ],
        },
    }
    (folder / "configs/metadata.json").write_text(json.dumps(metadata))
    (folder / "configs/inference.json").write_text(json.dumps(inference))
    torch.save(UNet(**UNET).state_dict(), folder / "models/model.pt")


@pytest.mark.parametrize("hidden", ["cellseg_monai", "cc3d"], ids=["the package", "what it needs"])
def test_other_bundles_are_served(hidden: str, label_python: str, tmp_path: Path) -> None:
    app, images = tmp_path / "app", tmp_path / "images"
    (app / "model").mkdir(parents=True)
    images.mkdir()
    file = write_dots(images / "dots.tif", 20, 32, 48)
    for name in ("patch_attention_unet", "swin_unetr"):
        torch.save({}, narrowed(name, app / "model") / "models/model.pt")
    write_foreign_bundle(app / "model/foreign")
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    stock = stock_app(label_python, app)
    models = ["patch_attention_unet", "foreign", "swin_unetr"]
    environment = {"PYTHONPATH": str(tmp_path), "HIDDEN": hidden}
    with serving(label_python, stock, images, models, tmp_path / "log", stock=True, **environment) as server:
        assert server.labels("foreign", file=file).shape == (32, 48)
        for name in ("patch_attention_unet", "swin_unetr"):
            assert server.infer(name, "dots").status_code == 500
        assert np.ptp(server.labels("foreign", "dots")) <= 1
    assert hidden in (tmp_path / "log").read_text()


def stock_app(python: str, app: Path) -> Path:
    """What ``monailabel apps --download`` copies, around the bundles."""
    import shutil

    root = Path(python).parents[1] / "monailabel/sample-apps/monaibundle"
    shutil.copytree(root, app, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return app
