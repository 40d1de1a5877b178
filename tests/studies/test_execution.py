"""Finished runs are not repeated, and a failed run does not stop the others."""

import json
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellseg_monai.data import list_items
from cellseg_monai.studies import Run, folder_of, perform, perform_all, results, weights_of, write_results
from cellseg_monai.studies.training import STATE
from tests.forked.commands import start
from tests.studies.conftest import BUNDLE, SMALL


@pytest.fixture(scope="module")
def run(train: Path, test: Path) -> Run:
    return Run("one", BUNDLE, list_items(train), {"test": list_items(test)}, SMALL)


@pytest.fixture(scope="module")
def out(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    perform_all([run], folder)
    return folder


def test_a_finished_run_is_not_run_again(run: Run, out: Path) -> None:
    weights = weights_of(run, folder_of(run, out))
    before = weights.stat().st_mtime_ns
    perform_all([run], out)
    assert weights.stat().st_mtime_ns == before


def test_missing_scores_are_computed_without_training(run: Run, out: Path) -> None:
    folder = folder_of(run, out)
    before = (folder / "model.pt").stat().st_mtime_ns
    (folder / "done.json").unlink()
    (folder / "test/scores.csv").unlink()
    perform_all([run], out)
    assert (folder / "test/scores.csv").is_file()
    assert (folder / "model.pt").stat().st_mtime_ns == before


def test_an_interrupted_training_continues_and_records_no_time(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longer = replace(run, options={**SMALL, "max_epochs": 12, "val_interval": 12})
    folder = folder_of(longer, tmp_path)

    def killed(words: list[str], **how: Any) -> subprocess.CompletedProcess[str]:
        # not the command that stands for a forked process, so that only the training gets the signal
        training = start(words[1:], how["cwd"], output=how["stdout"], errors=how["stdout"])
        while training.poll() is None and not (folder / STATE).is_file():
            time.sleep(0.02)
        training.kill()
        return subprocess.CompletedProcess(words, training.wait())

    with monkeypatch.context() as interrupted:
        interrupted.setattr("cellseg_monai.studies.training.subprocess.run", killed)
        with pytest.raises(RuntimeError, match="the training of 'one' failed"):
            perform(longer, folder)
    assert (folder / STATE).is_file()
    perform(longer, folder)
    assert json.loads((folder / "done.json").read_text())["training_seconds"] is None
    recorded = json.loads((folder / "test/summary.json").read_text())["provenance"]["training"]
    assert "hardware" in recorded
    assert "seconds" not in recorded
    images = write_results([longer], tmp_path, ["test"])
    assert np.isnan(results([longer], images, tmp_path)["training_seconds"][0])
    assert (tmp_path / "table.md").read_text().rstrip().endswith("| not recorded |")


def test_other_settings_are_rejected(run: Run, out: Path) -> None:
    with pytest.raises(ValueError, match=r"started with other options; choose another --out"):
        perform_all([replace(run, options={**SMALL, "max_epochs": 9})], out)


def test_one_failure_does_not_stop_the_others(run: Run, out: Path) -> None:
    wrong = replace(run, name="wrong", options={**SMALL, "max_epoch": 1})
    with pytest.raises(RuntimeError, match=r"1 of 1 runs failed.*did you mean 'max_epochs'"):
        perform_all([wrong, run], out)
    assert (folder_of(run, out) / "done.json").is_file()
    assert not (folder_of(wrong, out) / "done.json").exists()


def test_weights_are_scored_without_training(run: Run, out: Path) -> None:
    weights = weights_of(run, folder_of(run, out))
    again = replace(run, name="again", train=(), pretrained=weights)
    perform_all([again], out, jobs=2)
    one, other = ((folder_of(each, out) / "test/scores.csv").read_text() for each in (run, again))
    assert one == other
    assert json.loads((folder_of(again, out) / "done.json").read_text())["training_seconds"] == 0


def test_two_runs_with_the_same_name_are_rejected(run: Run, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different names"):
        perform_all([run, run], tmp_path)


def test_neither_training_images_nor_weights(run: Run, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="neither training images nor pretrained weights"):
        perform_all([replace(run, train=())], tmp_path)


def test_dask_takes_the_runs(run: Run, out: Path) -> None:
    distributed = pytest.importorskip(
        "dask.distributed", reason="dask is not installed: cellseg-monai[distributed]"
    )
    weights = weights_of(run, folder_of(run, out))
    remote = replace(run, name="remote", train=(), pretrained=weights)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
        perform_all([remote], out, cluster=cluster.scheduler_address)
    assert (folder_of(remote, out) / "done.json").is_file()
