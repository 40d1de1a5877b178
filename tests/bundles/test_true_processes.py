"""Each command once as a user starts it, by an interpreter of its own: it does and prints what a fork does.

All other tests of the bundles fork the processes of their commands, see `tests/forked`.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from cellseg_monai import bundling
from tests.bundles.reduced import BUNDLES, Bundle, copied, labels_in, words
from tests.forked.commands import CELLSEG, run

pytestmark = pytest.mark.slow  # an interpreter takes seconds to import MONAI
SCHEMA = Path(bundling.__file__).with_name("metadata_schema.json")
MEASURED = re.compile(r"\d+[\d:., -]*|0x[0-9a-f]+|\s+")
"""Times, losses, addresses and how lines are broken."""


def true(typed: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *typed], cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )


def same(typed: list[str], folder: Path, expected: int = 0) -> str:
    """What the command prints in a fork, after it has printed the same in an interpreter."""
    one, other = true(typed, folder), run(typed, folder)
    assert one.returncode == other.returncode == expected, one.stderr[-4000:] + other.stderr[-4000:]
    assert MEASURED.sub("", one.stdout) == MEASURED.sub("", other.stdout)
    return other.stdout + other.stderr


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return copied("patch_attention_unet", tmp_path_factory.mktemp("true"))


@pytest.fixture(scope="module")
def training(bundle: Bundle, dataset: Path) -> Path:
    """The folder of a training by an interpreter."""
    where = {"dataset_dir": dataset, "output_dir": bundle.path / "true", "ckpt_dir": bundle.path / "true"}
    options = bundle.settings("train", **where, max_epochs=2, folds=4)
    done = true(words("run", **options), bundle.path)
    assert done.returncode == 0, done.stderr[-4000:]
    return bundle.path / "true"


def test_a_training_has_the_same_weights(bundle: Bundle, dataset: Path, training: Path) -> None:
    forked = bundle.path / "forked"
    bundle.run("train", dataset_dir=dataset, output_dir=forked, ckpt_dir=forked, max_epochs=2, folds=4)
    one, other = (torch.load(folder / "model.pt", weights_only=True) for folder in (training, forked))
    assert one.keys() == other.keys()
    assert all(tensor.equal(other[name]) for name, tensor in one.items())


def test_an_inference_has_the_same_labels(
    bundle: Bundle, dataset: Path, training: Path, tmp_path: Path
) -> None:
    options = {"dataset_dir": dataset, "weights": training / "model.pt"}
    typed = words("run", **bundle.settings("inference", **options, output_dir=tmp_path / "true"))
    assert true(typed, bundle.path).returncode == 0
    bundle.run("inference", **options, output_dir=tmp_path / "forked")
    one, other = labels_in(tmp_path / "true"), labels_in(tmp_path / "forked")
    assert len(one) == 8
    for name, label_map in one.items():
        np.testing.assert_array_equal(other[name], label_map)


@pytest.mark.parametrize(
    ("verb", "options"), [("ckpt_export", {}), ("onnx_export", {"input_shape": [1, 1, 64, 64]})]
)
def test_a_network_is_exported(
    verb: str, options: dict[str, object], bundle: Bundle, training: Path, tmp_path: Path
) -> None:
    narrow = {name: value for name, value in bundle.options.items() if name != "patch_size"}
    typed = words(
        verb,
        net_id="network_def",
        filepath=tmp_path / "exported",
        ckpt_file=training / "model.pt",
        meta_file="configs/metadata.json",
        config_file="configs/inference.json",
        **options,
        **narrow,
    )
    done = true(typed, bundle.path)
    assert done.returncode == 0, done.stderr[-4000:]
    (file,) = tmp_path.glob("exported*")
    assert file.stat().st_size > 10_000


def test_metadata_are_verified(tmp_path: Path) -> None:
    schema = shutil.copy(SCHEMA, tmp_path / "schema.json")
    metadata = BUNDLES / "skip_unet/configs/metadata.json"
    assert "metadata is verified with no error" in same(
        words("verify_metadata", meta_file=metadata, filepath=schema), tmp_path
    )


def test_the_network_is_verified() -> None:
    folder = BUNDLES / "skip_unet"
    where = {"meta_file": "configs/metadata.json", "config_file": "configs/inference.json"}
    typed = words("verify_net_in_out", net_id="network_def", **where, device="cpu", n=1, p=1, any=1)
    assert "data shape of network is verified with no error" in same(typed, folder)


def test_a_mistake_is_told(bundle: Bundle, dataset: Path) -> None:
    options = bundle.settings("train", dataset_dir=dataset, output_dir="out", max_epoch=5)
    told = same(words("run", **options), bundle.path, expected=1)
    assert "there is no id 'max_epoch'; did you mean 'max_epochs'?" in told.splitlines()[-1]
    assert "Traceback" not in told


def test_cellseg_segments(dataset: Path, bundle: Bundle, training: Path, tmp_path: Path) -> None:
    typed = [str(CELLSEG), "predict", str(training), str(dataset), "--out", "cells"]
    same(typed, tmp_path)
    assert len(labels_in(tmp_path / "cells")) == 8
