"""Runs commands of the package as processes of their own, forked from one that has imported what they need.

An interpreter takes five seconds to import MONAI; a fork takes none of them. It has a folder, an environment,
standard streams, signals and an exit code of its own, as `tests/forked/test_forked.py` compares. Where a
process cannot be forked (not on Linux), an interpreter is started instead.
"""

import atexit
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO

from tests.forked.client import DeclinedError, Process

HERE = Path(__file__).parent
INTERPRETER = sys.executable
CELLSEG = Path(INTERPRETER).with_name("cellseg")
"""The command as it is installed."""

_CLIENT = f'"{INTERPRETER}" -IS "{HERE / "client.py"}" "{{socket}}" "{INTERPRETER}"'
_PYTHON = f"""#!/bin/sh
[ "$1" = -B ] && [ -n "$PYTHONDONTWRITEBYTECODE" ] && shift  # which multiprocessing adds
[ "$1 $2 $3" = "-u -m monai.bundle" ] && shift  # as torch.distributed.run starts it, which waits for its end
case "$1 $2" in
    "-m monai.bundle" | "-m cellseg_monai"* | "-c from cellseg_monai.runtime.watching"* \
        | "-c from multiprocessing.spawn"*) exec {_CLIENT} "$@" ;;
esac
exec "{INTERPRETER}" "$@"
"""
_CELLSEG = f"""#!/bin/sh
exec {_CLIENT} "{CELLSEG}" "$@"
"""


@cache
def server() -> Path | None:
    """The folder of this process's server, started by the first call; None where nothing can be forked."""
    if sys.platform != "linux":
        return None
    folder = Path(tempfile.mkdtemp(prefix="forked_"))
    for name, script in {"python": _PYTHON, "cellseg": _CELLSEG}.items():
        shim = folder / "bin" / name
        shim.parent.mkdir(exist_ok=True)
        shim.write_text(script.format(socket=folder / "socket"))
        shim.chmod(0o755)
    log = folder / "server.log"
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [INTERPRETER, HERE / "server.py", folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
    if process.stdout.readline() != b"ready\n":
        raise RuntimeError(f"{HERE / 'server.py'} does not start:\n{log.read_text()}")
    atexit.register(process.communicate)
    return folder


def shims() -> Path:
    """A folder for the front of PATH, whose ``python`` and ``cellseg`` are forked where they can be."""
    folder = server()
    return Path(INTERPRETER).parent if folder is None else folder / "bin"


@contextmanager
def as_executable() -> Iterator[None]:
    """Within, what this process starts by `sys.executable` or spawns is forked where it can be."""
    before, shim = sys.executable, str(shims() / "python")
    sys.executable = shim
    multiprocessing.set_executable(shim)
    try:
        yield
    finally:
        sys.executable = before
        multiprocessing.set_executable(before)


def start(
    words: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] = os.environ,
    output: IO[bytes] | None = None,
    errors: IO[bytes] | None = None,
) -> "Process | subprocess.Popen[bytes]":
    """A process that runs ``python WORDS...``.

    Args:
        words: what stands after ``python`` on a command line: ``-m`` and a module, or a script.
        folder: where it runs.
        environment: of the process.
        output: file for what it prints; nowhere by default.
        errors: file for what it prints to its standard error; nowhere by default.
    """
    forking = server()
    with open(os.devnull, "r+b") as nowhere:
        streams = [nowhere, output or nowhere, errors or nowhere]
        if forking is not None:
            numbers = {number: stream.fileno() for number, stream in enumerate(streams)}
            try:
                return Process(str(forking / "socket"), words, str(folder), environment, numbers)
            except DeclinedError:
                pass
        stdin, stdout, stderr = streams
        command = [INTERPRETER, *words]
        return subprocess.Popen(
            command, cwd=folder, env={**environment}, stdin=stdin, stdout=stdout, stderr=stderr
        )


def run(
    words: Sequence[str], folder: Path, environment: Mapping[str, str] = os.environ, timeout: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run ``python WORDS...`` to its end, as `start` does; its exit code and what it printed."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = start(words, folder, environment, output, errors)
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        printed = []
        for stream in (output, errors):
            stream.seek(0)
            printed.append(stream.read().decode())
    return subprocess.CompletedProcess([*words], status, *printed)
