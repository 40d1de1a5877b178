"""What a training or an upload replaces comes back by the command that the guide names."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellseg_monai.runtime import keep_settings
from tests.integration.served import LABEL, Server, narrowed, serving

pytestmark = pytest.mark.label

NAME = "patch_attention_unet"
COMMAND = LABEL / "guarded/former_weights.py"


@pytest.fixture(scope="module")
def annotated(label_python: str, dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one bundle with calibrated weights, and two annotated images."""
    folder = tmp_path_factory.mktemp("former")
    bundle = narrowed(NAME, folder / "app/model")
    subprocess.run([label_python, "-c", UNTRAINED, str(bundle)], check=True, cwd=LABEL)
    keep_settings(bundle / "models/model.pt", threshold=0.625)
    images = folder / "images"
    images.mkdir()
    for image in sorted((dataset / "images").iterdir())[:3]:
        shutil.copy(image, images)
    with serving(label_python, folder / "app", images, [NAME], folder / "log") as server:
        for mask in sorted((dataset / "labels").iterdir())[:2]:
            server.save(mask.stem, mask)
        yield server


UNTRAINED = """
import sys, torch
from pathlib import Path
from serve import untrained
bundle = Path(sys.argv[1])
(bundle / "models").mkdir(exist_ok=True)
torch.save(untrained(bundle).state_dict(), bundle / "models/model.pt")
"""


def command(python: str, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([python, str(COMMAND), *words], capture_output=True, text=True)


def names(python: str, bundle: Path) -> list[str]:
    """What the command lists."""
    listed = command(python, str(bundle))
    assert listed.returncode == 0, listed.stderr
    return [line.split()[-1] for line in listed.stdout.splitlines()]


def train(server: Server) -> None:
    answer = server.ask("POST", f"/train/{NAME}", json={"max_epochs": 2})
    assert answer.status_code == 200, answer.text
    server.wait("train/")


def test_former_weights_come_back(annotated: Server, label_python: str) -> None:
    """Twice there and back: what a restoration replaces is kept as well."""
    bundle = annotated.app / "model" / NAME
    weights = bundle / "models/model.pt"
    first = weights.read_bytes()
    first_label = annotated.infer(NAME, "nuclei_002", threshold=0.5).content
    train(annotated)
    second = weights.read_bytes()
    assert second != first
    [name] = names(label_python, bundle)
    former = bundle / f"models/former/{name}.pt"
    assert former.read_bytes() == first
    assert '"threshold": 0.625' in former.with_suffix(".json").read_text()
    weights.with_suffix(".json").unlink()  # as if deleted by hand
    back = command(label_python, str(bundle), "--restore", name)
    assert (back.returncode, back.stdout) == (0, f"{bundle} has the weights {name} again\n")
    assert weights.read_bytes() == first
    assert '"threshold": 0.625' in weights.with_suffix(".json").read_text()
    assert annotated.infer(NAME, "nuclei_002", threshold=0.5).content == first_label
    [_, later] = names(label_python, bundle)
    assert command(label_python, str(bundle), "--restore", later).returncode == 0
    assert weights.read_bytes() == second
    refused = command(label_python, str(bundle), "--restore", "yesterday")
    assert refused.returncode == 1
    assert "no weights are kept as 'yesterday'; choose one of: " in refused.stderr


def test_weights_that_are_sent_replace_none_for_good(annotated: Server, label_python: str) -> None:
    models = annotated.app / "model" / NAME / "models"
    first = b"those that are there"
    (models / "model.pt").write_bytes(first)
    for content in (b"others", b"yet others"):
        answer = annotated.ask("PUT", f"/model/{NAME}", files={"file": ("model.pt", content)})
        assert answer.status_code == 200
    assert (models / "model.pt").read_bytes() == b"yet others"
    kept = names(label_python, models.parent)[-2:]
    assert [(models / f"former/{name}.pt").read_bytes() for name in kept] == [first, b"others"]


def test_what_is_no_bundle_is_told(label_python: str, tmp_path: Path) -> None:
    refused = command(label_python, str(tmp_path))
    assert refused.returncode == 1
    assert "this is not a bundle" in refused.stderr
