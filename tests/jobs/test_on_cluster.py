"""Measures and scores by the workers of a cluster are those of one process."""

from pathlib import Path

import pytest

from cellseg_monai.cli import main
from cellseg_monai.data import write_synthetic_dataset
from tests.forked.commands import as_executable

pytest.importorskip("dask.distributed", reason="needs cellseg-monai[distributed]")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_synthetic_dataset("nuclei", tmp_path_factory.mktemp("set"), count=4, size=(64, 64)).parent


def both(words: list[str], folder: Path, code: int) -> tuple[Path, Path]:
    """Output folders of a command without and with a cluster."""
    for name, more in {"alone": [], "cluster": ["--cluster", "local:2"]}.items():
        with as_executable():
            assert main([*words, "--out", str(folder / name), *more]) == code
    return folder / "alone", folder / "cluster"


def test_measure(dataset: Path, tmp_path: Path) -> None:
    damaged = dataset / "labels/nuclei_002.tif"
    content = damaged.read_bytes()
    damaged.write_bytes(b"no image")
    words = ["measure", str(dataset / "labels"), "--images", str(dataset / "images")]
    try:
        alone, cluster = both(words, tmp_path, 1)
    finally:
        damaged.write_bytes(content)
    for table in ("cells.csv", "summary.csv", "failures.csv"):
        assert (alone / table).read_bytes() == (cluster / table).read_bytes()
    assert "nuclei_002" in (cluster / "failures.csv").read_text()


def test_evaluate(dataset: Path, tmp_path: Path) -> None:
    words = ["evaluate", "--pred", str(dataset / "labels"), "--truth", str(dataset)]
    alone, cluster = both(words, tmp_path, 0)
    assert (alone / "scores.csv").read_bytes() == (cluster / "scores.csv").read_bytes()
