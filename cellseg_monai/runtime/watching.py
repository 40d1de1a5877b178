"""Processes that end with the one that started them, however that one ends."""

import os
import runpy
import sys
import threading
import time
from collections.abc import Sequence

_SECONDS = 0.5


def end_with_parent() -> None:
    """End this process soon after its parent has ended, even if the parent was killed.

    A training that nobody waits for would go on for hours, and write into a folder that looks free.
    """
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()


def monais_command(arguments: Sequence[str]) -> list[str]:
    """Words that run ``python -m monai.bundle`` in a child process, which ends with this process.

    Args:
        arguments: arguments of the command.

    Example:
        >>> monais_command(["run"])[-1]
        'run'
    """
    call = f"from {__name__} import run_watched; run_watched()"
    return [sys.executable, "-c", call, str(os.getpid()), *arguments]


def run_watched() -> None:
    """Run the command in ``sys.argv`` until it ends, or until the process ends whose number comes first."""
    threading.Thread(target=_end_with, args=(int(sys.argv.pop(1)),), daemon=True).start()
    runpy.run_module("monai.bundle", run_name="__main__", alter_sys=True)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_SECONDS)
    os._exit(1)
