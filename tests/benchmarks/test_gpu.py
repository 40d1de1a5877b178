"""The script for a GPU, tried with small sizes on the CPU, so that it does not fail where it is needed."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
import torch

from tests.forked.commands import run

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.delitem(sys.modules, "gpu", raising=False)
    return import_module("gpu")


@pytest.mark.slow  # every part in a process of its own
def test_every_part_runs_on_a_cpu(tmp_path: Path) -> None:
    words = [sys.executable, str(BENCHMARKS / "gpu.py"), str(tmp_path), "--tiny", "--device", "cpu"]
    quick = {"OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1"}  # compiling takes minutes
    environment = {**os.environ, **quick}
    subprocess.run([*words, "--minutes", "60"], env=environment, check=True)
    rows = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    assert [row for row in rows if row["case"] == "stopped"] == []
    parts = list(dict.fromkeys(row["part"] for row in rows))
    assert parts == ["tests", "inference", "precision", "streams", "memory", "training", "predict", "compile"]
    (memory,) = (row for row in rows if row["part"] == "memory")
    assert memory["value"] == "not on this device"
    (host,) = (row for row in rows if row["case"] == "image on the host, ours: largest difference of a logit")
    assert host["value"] == 0
    assert sorted(os.listdir(tmp_path)) == ["gpu.json", "gpu.md"]
    table = (tmp_path / "gpu.md").read_text().splitlines()
    assert len(table) == len(rows) + 4


def test_ratios_are_those_of_the_figures(gpu: ModuleType) -> None:
    scale = gpu.Scale(torch.device("cpu"), side=64, widths=(8,) * 5, batch=2, repeats=1)
    rows = [row for row in gpu.inference(scale) if row.part == "inference"]
    assert len(rows) == 2 * 3 * 3
    first = rows[0]
    assert first.case == "MONAI AttentionUnet, float32, MONAI's sliding window"
    assert rows[5].ratio == pytest.approx(rows[5].value / first.value)
    assert rows[9].ratio == 1, "each network has its own reference"


def test_a_part_that_fails_or_takes_too_long_is_a_line(gpu: ModuleType, tmp_path: Path) -> None:
    words = ["--tiny", "--device", "cpu", "--no-such-option"]
    (row,) = gpu.run_part("memory", words, tmp_path, seconds=300)
    assert (row.part, row.case) == ("memory", "stopped")
    assert "--no-such-option" in row.value
    (row,) = gpu.run_part("memory", words[:3], tmp_path, seconds=0)
    assert row.value == "took too long and was stopped"
    assert gpu.markdown([row], "title").splitlines()[-1] == (
        "| memory | stopped | took too long and was stopped |  |  |"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="it runs where there is a GPU")
def test_without_a_gpu_it_says_how_to_try_it(tmp_path: Path) -> None:
    ended = run([str(BENCHMARKS / "gpu.py"), str(tmp_path)], tmp_path)
    assert ended.returncode == 2
    assert "PyTorch finds no GPU here; --device cpu --tiny tries the script" in ended.stderr
