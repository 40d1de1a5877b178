"""A server that lacks a package says so as it starts."""

from pathlib import Path

import pytest
import torch

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


@pytest.mark.parametrize("hidden", ["cellseg_monai", "cc3d"], ids=["the package", "what it needs"])
def test_the_server_names_the_missing_package_at_start(
    hidden: str, label_python: str, tmp_path: Path
) -> None:
    app, images, log = tmp_path / "app", tmp_path / "images", tmp_path / "log"
    (app / "model").mkdir(parents=True)
    images.mkdir()
    write_dots(images / "dots.tif", 20, 32, 48)
    torch.save({}, narrowed("patch_attention_unet", app / "model") / "models/model.pt")
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    stock = stock_app(label_python, app)
    environment = {"PYTHONPATH": str(tmp_path), "HIDDEN": hidden}
    with (
        pytest.raises(AssertionError, match="the server ended"),
        serving(label_python, stock, images, ["patch_attention_unet"], log, stock=True, **environment),
    ):
        pass
    assert hidden in log.read_text().rpartition("Traceback")[2]


def stock_app(python: str, app: Path) -> Path:
    """What ``monailabel apps --download`` copies, around the bundles."""
    import shutil

    root = Path(python).parents[1] / "monailabel/sample-apps/monaibundle"
    shutil.copytree(root, app, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return app
