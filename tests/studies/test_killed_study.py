"""A study that is killed or interrupted takes its runs along."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

STUDY = """
import os, sys, time
from cellseg_monai.studies.execution import _executor

def work(place):
    with open(place, "w") as file:
        file.write(str(os.getpid()))
    os.rename(place, place + ".done")
    time.sleep(600)

if __name__ == "__main__":
    with _executor(1, None) as executor:
        executor.submit(work, sys.argv[1]).result()
"""


@pytest.mark.slow  # two interpreters that import PyTorch, for each signal
@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells who runs")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda each: each.name)
def test_the_runs_of_a_study_end_with_it(number: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "study.py").write_text(STUDY)
    place = tmp_path / "process"
    study = subprocess.Popen([sys.executable, "study.py", str(place)], cwd=tmp_path, start_new_session=True)
    done = Path(f"{place}.done")
    while not done.is_file():
        assert study.poll() is None
        time.sleep(0.2)
    run = int(done.read_text())
    os.kill(study.pid, number)
    study.wait(timeout=120)
    until = time.monotonic() + 60
    while Path(f"/proc/{run}").is_dir() and time.monotonic() < until:
        time.sleep(0.2)
    assert not Path(f"/proc/{run}").is_dir()
