"""A process that ends with its parent, even if the parent is killed."""

import os
import signal
import sys
import time

import pytest

from cellseg_monai.runtime.watching import end_with_parent

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and SIGKILL are POSIX's")


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat") as state:  # a zombie that nobody has waited for has ended as well
        return state.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells who runs")
def test_the_child_of_a_killed_process_ends() -> None:
    readable, writable = os.pipe()
    parent = os.fork()
    if parent == 0:
        child = os.fork()
        if child == 0:
            end_with_parent()
            os.write(writable, str(os.getpid()).encode())
            time.sleep(600)
            os._exit(0)
        time.sleep(600)
        os._exit(0)
    child = int(os.read(readable, 20))
    assert _is_running(child)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    until = time.monotonic() + 60
    while _is_running(child) and time.monotonic() < until:
        time.sleep(0.1)
    assert not _is_running(child)
