"""One process at a time writes into a folder; a kill leaves no lock behind."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cellseg_monai.outputs import OutputError, locked
from cellseg_monai.outputs.lock import FolderInUse

HOLD = """
import sys
from cellseg_monai.outputs import OutputError, locked
with locked(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that writes into the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_process_is_told_of_the_first(tmp_path: Path) -> None:
    with (
        holder(tmp_path) as other,
        pytest.raises(
            FolderInUse, match=rf"process {other.pid} on .* is writing here; wait for it, or choose"
        ),
        locked(tmp_path),
    ):
        raise AssertionError("must not start")


def test_a_kill_leaves_no_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as other:
        other.kill()
        other.wait()
        with locked(tmp_path):
            assert f'"process": {os.getpid()}' in (tmp_path / ".cellseg/running.json").read_text()


def test_the_same_process_may_come_in_again(tmp_path: Path) -> None:
    with locked(tmp_path):
        with locked(tmp_path):
            pass
        assert (tmp_path / ".cellseg/running.json").exists()
    assert not (tmp_path / ".cellseg/running.json").exists()


def test_a_folder_that_is_removed_in_flight_is_told(tmp_path: Path) -> None:
    lock = locked(tmp_path / "out")
    lock.__enter__()
    shutil.rmtree(tmp_path / "out")
    (tmp_path / "out/later").mkdir(parents=True)
    with pytest.raises(OutputError, match="out: the folder was removed while results were written into it"):
        lock.__exit__(None, None, None)
