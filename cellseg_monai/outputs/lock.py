"""A lock, so that only one process at a time writes into a folder."""

import json
import logging
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from cellseg_monai.outputs.containment import StrPath
from cellseg_monai.outputs.whole import OutputError, make_folder, write_text

logger = logging.getLogger(__name__)

HIDDEN = ".cellseg"
"""Sub-folder of an output folder for its lock and its journal."""


class FolderInUse(RuntimeError):
    """Another process is writing into the folder.

    Example:
        >>> raise FolderInUse("out: process 7 is writing here")
        Traceback (most recent call last):
        ...
        cellseg_monai.outputs.lock.FolderInUse: out: process 7 is writing here
    """


@contextmanager
def locked(folder: StrPath) -> Iterator[None]:
    """Lock an output folder against other processes; the same process may lock it again.

    The operating system releases the lock when the process ends, even if it is killed.

    Args:
        folder: output folder; it is created.

    Raises:
        FolderInUse: another process is writing into the folder; the message names it.
        OutputError: at the end, if the folder was removed in the meantime.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with locked(folder), locked(folder):
        ...     json.loads((Path(folder) / ".cellseg/running.json").read_text())["process"] == os.getpid()
        True
    """
    hidden = Path(folder) / HIDDEN
    running = hidden / "running.json"
    make_folder(hidden)
    place = hidden.resolve() / "lock"
    lock = FileLock(place, timeout=0, is_singleton=True, thread_local=False)
    first = not lock.is_locked
    try:
        lock.acquire()
    except Timeout as error:
        raise FolderInUse(
            f"{folder}: {_described(running)} is writing here; wait for it, or choose another folder"
        ) from error
    except NotImplementedError:  # some network file systems
        logger.warning("%s: the file system has no locks; do not start a second run that writes here", folder)
        yield
        return
    try:
        if first:
            write_text(running, json.dumps(this_process(), indent=1))
        yield
        if first and not place.exists():
            raise OutputError(
                f"{folder}: the folder was removed while results were written into it, and some are missing; "
                "remove what is left of it, and run the same command again"
            )
    finally:
        if first:
            running.unlink(missing_ok=True)
        lock.release()
        with suppress(OSError):  # unless it holds the journal
            hidden.rmdir()


def user_of(folder: StrPath) -> str:
    """The process that is writing into a folder; empty if none is.

    Args:
        folder: output folder.

    Example:
        >>> import tempfile
        >>> folder = tempfile.mkdtemp()
        >>> with locked(folder):
        ...     user_of(folder).split()[0]
        'process'
        >>> user_of(folder)
        ''
    """
    hidden = Path(folder) / HIDDEN
    if not (hidden / "lock").is_file():
        return ""
    lock = FileLock(hidden.resolve() / "lock", timeout=0)
    try:
        lock.acquire()
    except (Timeout, OSError):  # a folder that may only be read
        return _described(hidden / "running.json")
    except NotImplementedError:  # some network file systems
        return _described(hidden / "running.json") if (hidden / "running.json").is_file() else ""
    lock.release()
    return ""


def this_process() -> dict[str, str | int]:
    """Id, host and command of this process, and the time.

    Example:
        >>> sorted(this_process())
        ['command', 'host', 'process', 'since']
    """
    return {
        "process": os.getpid(),
        "host": platform.node(),
        "command": shlex.join(sys.argv),
        "since": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def _described(running: Path) -> str:
    try:
        known = json.loads(running.read_text(encoding="utf-8"))
        return f"process {known['process']} on {known['host']} ({known['command']}, since {known['since']})"
    except (OSError, ValueError, KeyError, TypeError):  # the other process has just started or ended
        return "another process"
