"""A prediction of a folder that is killed at any moment, and started again, does nothing twice."""

import random
import sqlite3
import time
from pathlib import Path

import pytest
import tifffile

from cellseg_monai.cli import main
from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.outputs.progress import read_progress
from tests.bundles.reduced import narrowed
from tests.forked.commands import start


def done(out: Path) -> dict[str, float]:
    """When each image was done, by name."""
    try:
        with sqlite3.connect(out / ".cellseg/manifest.sqlite", timeout=60) as base:
            return dict(base.execute("SELECT name, ended FROM items WHERE state = 'done'"))
    except sqlite3.OperationalError:  # not begun
        return {}


def killed(words: list[str], out: Path, wanted: int, after: float) -> dict[str, float]:
    """Kill the command a while after it has done so many images, and return what it has done."""
    running = start(words, out.parent)
    while len(done(out)) < wanted:
        assert running.poll() is None, "it ended before it was killed"
        time.sleep(0.02)
    time.sleep(after)
    running.kill()
    running.wait()
    return done(out)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_and_started_again(tmp_path: Path, seed: int) -> None:
    bundle, out = narrowed(tmp_path / "bundle"), tmp_path / "out"
    images = write_synthetic_dataset("nuclei", tmp_path / "set", count=12, size=(96, 96)).parent / "images"
    assert main(["predict", str(bundle.path), str(images), "--out", str(tmp_path / "whole")]) == 0
    words = ["-m", "cellseg_monai.cli", "predict", str(bundle.path), str(images), "--out", str(out)]
    chance, before = random.Random(seed), {}
    for wanted in (2, 6):
        now = killed(words, out, wanted, chance.uniform(0, 0.3))
        assert now.items() >= before.items()  # with the same times: none was done again
        before = now
    assert read_progress(out, "predict").counts["done"] == len(before)
    assert main(words[2:]) == 0
    assert done(out).items() >= before.items()
    assert read_progress(out, "predict").counts == {"pending": 0, "running": 0, "done": 12, "failed": 0}
    names = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole/labels").rglob("*.tif")]
    assert len(names) == 12
    for name in names:
        one, other = tifffile.imread(tmp_path / "whole" / name), tifffile.imread(out / name)
        assert one.dtype == other.dtype
        assert (one == other).all()
    for table in ("counts.csv", "failures.csv"):
        assert (out / table).read_text() == (tmp_path / "whole" / table).read_text()
    assert not list(out.rglob(".cellseg-part-*"))
