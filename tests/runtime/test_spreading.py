"""Items go to the workers of a cluster one by one; what dies with one of them is done by another."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cellseg_monai.runtime.cluster import connected
from cellseg_monai.runtime.spreading import DEATHS, Killed, spread

distributed = pytest.importorskip(
    "dask.distributed", reason="dask is not installed: cellseg-monai[distributed]"
)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with connected("local:2") as client:
        yield client


def test_all_are_answered_with_one_item_a_worker_on_its_way(client: Any) -> None:
    begun: list[int] = []
    most, answers = 0, {}
    for number, answer in spread(client, lambda item: 2 * item, range(30), begun.append):
        answers[number] = answer
        most = max(most, len(begun) - len(answers))
    assert answers == {number: 2 * number for number in range(30)}
    assert begun == list(range(30))
    assert most == 2


def test_what_kills_its_workers_is_set_aside_and_the_others_are_done(client: Any, tmp_path: Path) -> None:
    def work(item: int) -> int:
        with (tmp_path / f"{item}.txt").open("a") as file:
            file.write("began\n")
        if item == 3:
            time.sleep(1)  # a worker that dies while it starts is not started again by Dask
            os._exit(1)
        return item

    answers = dict(spread(client, work, range(8)))
    killed = answers.pop(3)
    assert isinstance(killed, Killed)
    assert str(killed).startswith("3 workers died of it, the last at tcp://127.0.0.1:")
    assert answers == {number: number for number in range(8) if number != 3}
    times = {file.stem: len(file.read_text().split()) for file in tmp_path.iterdir()}
    assert times.pop("3") == DEATHS
    assert set(times.values()) == {1}  # none went down with it


def test_an_error_that_is_no_answer_ends_it(client: Any) -> None:
    with pytest.raises(ZeroDivisionError):
        list(spread(client, lambda item: 1 / item, [1, 0, 1]))
    assert dict(spread(client, abs, [-1])) == {0: 1}


@pytest.mark.parametrize("cluster", ["lcoal", "local:no", "local:0", "slurm:-1", ""])
def test_what_is_no_cluster(cluster: str) -> None:
    with (
        pytest.raises(ValueError, match=r"must be local, local:4 for 4 processes, slurm:4"),
        connected(cluster),
    ):
        raise AssertionError("must not start")


def test_where_no_scheduler_answers() -> None:
    import dask

    with (
        dask.config.set({"distributed.comm.timeouts.connect": "1s"}),
        pytest.raises(ConnectionError, match=r"tcp://127\.0\.0\.1:9: no Dask scheduler answers"),
        connected("tcp://127.0.0.1:9"),
    ):
        raise AssertionError("must not start")


@pytest.mark.slow  # starts a scheduler and a worker by their own commands
def test_a_scheduler_that_is_lost(tmp_path: Path) -> None:
    dask = [sys.executable, "-m", "dask", "scheduler", "--port", "0", "--no-dashboard"]
    where = ["--scheduler-file", str(tmp_path / "scheduler.json")]
    with subprocess.Popen([*dask, *where]) as scheduler:
        words = [sys.executable, "-m", "dask", "worker", *where, "--no-dashboard", "--nthreads", "1"]
        with subprocess.Popen(words) as worker:
            try:
                while not (tmp_path / "scheduler.json").is_file():
                    time.sleep(0.05)
                with distributed.Client(scheduler_file=where[1], timeout=60) as client:
                    answers = spread(client, lambda _: time.sleep(0.5), range(100))
                    next(answers)
                    scheduler.kill()
                    with pytest.raises(ConnectionError, match="run the same command again to continue"):
                        list(answers)
            finally:
                scheduler.kill()
                worker.terminate()


def test_workers_that_come_later(tmp_path: Path) -> None:
    """SLURM starts them when it likes."""
    with (
        distributed.LocalCluster(
            n_workers=0, threads_per_worker=1, processes=False, dashboard_address=None
        ) as cluster,
        connected(cluster.scheduler_address) as client,
    ):
        timer = threading.Timer(1.5, lambda: cluster.scale(1))
        timer.start()
        assert dict(spread(client, abs, [-1, -2])) == {0: 1, 1: 2}
        timer.join()


SBATCH = """#!/bin/sh
cp "$1" "$(dirname "$0")/$$.sh"  # its file is removed as soon as the job is submitted
setsid sh "$(dirname "$0")/$$.sh" > "$(dirname "$0")/$$.log" 2>&1 &
echo $! >> "$(dirname "$0")/jobs"
echo "Submitted batch job $!"
"""
SCANCEL = """#!/bin/sh
for job in "$@"; do kill -- "-$job"; done
"""


@pytest.mark.slow  # starts two workers by the command of Dask
def test_jobs_of_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in for SLURM runs the script of a job at once, on this machine."""
    import dask

    pytest.importorskip("dask_jobqueue", reason="needs cellseg-monai[distributed]")
    for name, script in {"sbatch": SBATCH, "scancel": SCANCEL}.items():
        (tmp_path / name).write_text(script)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "3")
    job = {"jobqueue.slurm.cores": 3, "jobqueue.slurm.processes": 1, "jobqueue.slurm.memory": "1GB"}

    def work(_: int) -> tuple[str, str]:
        time.sleep(0.2)
        return str(distributed.get_worker().name), os.environ["OMP_NUM_THREADS"]

    with dask.config.set(job), connected("slurm:2") as client:
        client.wait_for_workers(2, timeout=300)
        answers = dict(spread(client, work, range(12)))
    assert len(answers) == 12
    assert len({name for name, _ in answers.values()}) == 2
    assert {threads for _, threads in answers.values()} == {"3"}
    assert len((tmp_path / "jobs").read_text().split()) == 2
