"""A prediction on the workers of a cluster is that of one process, bit for bit."""

import os
import re
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
import tifffile

from cellseg_monai.cli import main
from cellseg_monai.data import write_synthetic_dataset
from cellseg_monai.jobs import predict
from cellseg_monai.outputs import verify_run
from cellseg_monai.outputs.progress import read_progress
from cellseg_monai.runtime.spreading import DEATHS
from tests.bundles.reduced import Bundle, narrowed
from tests.forked.commands import as_executable, start

pytest.importorskip("dask.distributed", reason="needs cellseg-monai[distributed]")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return narrowed(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    return write_synthetic_dataset("nuclei", folder, count=8, size=(96, 96)).parent / "images"


@pytest.fixture(scope="module")
def alone(bundle: Bundle, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The prediction of this process."""
    out = tmp_path_factory.mktemp("alone")
    predict(bundle.path, [images], out)
    return out


@pytest.fixture(autouse=True)
def _fast_start() -> Iterator[None]:
    with as_executable():
        yield


def workers(out: Path) -> dict[str, str]:
    """The worker of each image that is done."""
    with sqlite3.connect(out / ".cellseg/manifest.sqlite", timeout=60) as base:
        return dict(base.execute("SELECT name, worker FROM items WHERE state = 'done'"))


def count_done(out: Path) -> int:
    try:
        return read_progress(out, "predict").counts["done"]
    except FileNotFoundError:  # it has not begun yet
        return 0


def require_same(one: Path, other: Path, count: int) -> None:
    paths = sorted((one / "labels").rglob("*.tif"))
    assert len(paths) == count
    for path in paths:
        assert path.read_bytes() == (other / path.relative_to(one)).read_bytes(), path
    for table in ("counts.csv", "failures.csv"):
        assert (one / table).read_text() == (other / table).read_text()
    assert pd.read_csv(one / "timing.csv").image.tolist() == pd.read_csv(other / "timing.csv").image.tolist()


def test_two_workers(bundle: Bundle, images: Path, alone: Path, tmp_path: Path) -> None:
    words = ["predict", str(bundle.path), str(images), "--out", str(tmp_path)]
    assert main([*words, "--cluster", "local:2"]) == 0
    require_same(tmp_path, alone, 8)
    by = workers(tmp_path)
    assert {name.partition(",")[0] for name in by.values()} == {"0", "1"}
    assert not [name for name in by.values() if f"process {os.getpid()} " in name]
    assert verify_run(tmp_path).runs["predict"]["inputs"] == 8
    predict(bundle.path, [images], tmp_path)  # without the cluster, nothing is left to do
    assert workers(tmp_path) == by


@contextmanager
def killing(out: Path, every: float) -> Iterator[list[int]]:
    """Kill the worker of the image that was done last, but so few that no image is set aside for it."""
    killed: list[int] = []
    ended = threading.Event()

    def kill() -> None:
        while len(killed) < DEATHS - 1 and not ended.wait(every):
            try:
                living = [int(re.findall(r"process (\d+)", worker)[0]) for worker in workers(out).values()]
            except sqlite3.OperationalError:  # not begun
                continue
            for process in {process for process in living if process not in killed}:
                killed.append(process)
                os.kill(process, signal.SIGKILL)
                break

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def test_workers_that_are_killed(bundle: Bundle, images: Path, alone: Path, tmp_path: Path) -> None:
    with killing(tmp_path, every=0.3) as killed:
        predict(bundle.path, [images], tmp_path, cluster="local:2")
    assert killed
    require_same(tmp_path, alone, 8)
    assert not list(tmp_path.rglob(".cellseg-part-*"))


def test_a_bad_image_is_told_as_without_a_cluster(bundle: Bundle, images: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.tif"
    bad.write_bytes(b"no image")
    told = []
    for name, options in {"alone": {}, "cluster": {"cluster": "local:1"}}.items():
        with pytest.raises(RuntimeError, match="1 of 2 images failed"):
            predict(bundle.path, [bad, images / "nuclei_000.tif"], tmp_path / name, **options)
        told.append((tmp_path / name / "failures.csv").read_text())
    assert told[0] == told[1]


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 4])
def test_any_number_of_workers(count: int, bundle: Bundle, images: Path, alone: Path, tmp_path: Path) -> None:
    predict(bundle.path, [images], tmp_path, cluster=f"local:{count}")
    require_same(tmp_path, alone, 8)


@pytest.mark.slow
def test_a_client_that_is_killed(bundle: Bundle, images: Path, alone: Path, tmp_path: Path) -> None:
    words = ["predict", str(bundle.path), str(images), "--out", str(tmp_path / "out"), "--cluster", "local:2"]
    client = start(["-m", "cellseg_monai.cli", *words], tmp_path)
    while count_done(tmp_path / "out") < 2:
        assert client.poll() is None
        time.sleep(0.05)
    client.kill()
    client.wait()
    before = workers(tmp_path / "out")
    assert main(words) == 0
    assert workers(tmp_path / "out").items() >= before.items()
    require_same(tmp_path / "out", alone, 8)


@pytest.mark.slow
def test_stacks(bundle: Bundle, tmp_path: Path) -> None:
    stacks = [tmp_path / f"stacks/{name}.tif" for name in "ab"]
    listing = write_synthetic_dataset("nuclei", tmp_path / "set", count=4, size=(64, 64))
    planes = tifffile.imread(sorted(listing.parent.glob("images/*")))
    stacks[0].parent.mkdir()
    for path in stacks:
        tifffile.imwrite(path, planes, photometric="minisblack", metadata={"axes": "ZYX"})
    for name, options in {"alone": {}, "cluster": {"cluster": "local:2"}}.items():
        predict(bundle.path, stacks, tmp_path / name, **options)
    for path in stacks:
        one, other = (
            tifffile.imread(tmp_path / name / "labels" / path.name) for name in ("alone", "cluster")
        )
        assert one.shape == (4, 64, 64)
        assert (one == other).all()
