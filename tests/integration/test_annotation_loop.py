"""What the how-to tells a person to do, against a server of its own."""

import importlib.util
import logging
import shutil
from pathlib import Path
from types import ModuleType

import pytest
import tifffile
from PIL import Image

from tests.bundles.reduced import BUNDLES
from tests.integration.served import narrowed, serving

pytestmark = pytest.mark.label

SCRIPT = BUNDLES.parent / "docs/how-to/annotation_loop.py"


def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("annotation_loop", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_loop_of_the_guide_makes_the_network_better(
    label_python: str, dataset: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Images as PNG; the labels of a person come back as TIFF."""
    narrowed("patch_attention_unet", tmp_path / "app/model")
    images = tmp_path / "images"
    images.mkdir()
    for file in sorted((dataset / "images").iterdir())[:6]:
        Image.fromarray(tifffile.imread(file)).save(images / f"{file.stem}.png")
    truth = tmp_path / "truth"
    truth.mkdir()
    for file in sorted((dataset / "labels").iterdir())[:6]:
        shutil.copy(file, truth)
    loop = script()
    with (
        serving(
            label_python, tmp_path / "app", images, ["patch_attention_unet"], tmp_path / "log"
        ) as running,
        caplog.at_level(logging.INFO),
    ):
        server = loop.Server(running.url, "patch_attention_unet")
        unsure = server.least_sure()
        entropies = [running.info(name)["epistemic_entropy"] for name in unsure]
        assert entropies == sorted(entropies, reverse=True)
        assert len(set(entropies)) == 6
        scores = loop.run(
            server, lambda name, labels: loop.correct(name, labels, truth), truth, rounds=2, epochs=5
        )
        annotated = [file.stem for file in (images / "labels/final").iterdir()]
        assert len(annotated) == 2
        assert unsure[0] in annotated
    assert scores[-1] > scores[0] + 0.2
    assert scores[-1] > 0.6
