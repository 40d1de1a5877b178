"""Asks the server for a process and stands for it: the same streams, signals and end.

    python -IS client.py SOCKET INTERPRETER WORDS...

is what the server forks for ``python WORDS...``, or that interpreter itself where the server declines. Only
quick modules of the standard library are imported here: each ``cellseg`` of a page starts this file.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)


class DeclinedError(Exception):
    """The server cannot be such a process; an interpreter can."""


class Process:
    """A process forked by the server, with as much of ``subprocess.Popen`` as tests use.

    Args:
        server: socket of the server.
        words: what stands after ``python`` on a command line.
        folder: where it runs.
        environment: of the process.
        descriptors: file descriptors that it has, by their numbers in the process: 0, 1 and 2 at least.
        stand_in: number of the process that stands for it, whose parent is its own; None: this process is
            its parent.
    """

    def __init__(
        self,
        server: str,
        words: Sequence[str],
        folder: str,
        environment: Mapping[str, str],
        descriptors: Mapping[int, int],
        stand_in: int | None = None,
    ) -> None:
        self.args = words
        self.returncode: int | None = None
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(server)
        request = {
            "words": [*words],
            "folder": folder,
            "environment": {**environment},
            "descriptors": [*descriptors],
            "parent": os.getpid(),
            "stand_in": stand_in,
        }
        socket.send_fds(self._server, [json.dumps(request).encode()], [*descriptors.values()])
        answer = self._received()
        if answer == "declined":
            self._server.close()
            raise DeclinedError
        self.pid = int(answer)

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative for a signal, once the process has ended."""
        if self.returncode is None:
            self._server.settimeout(timeout)
            try:
                self.returncode = int(self._received())
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired([*self.args], timeout or 0) from None
            self._server.close()
        return self.returncode

    def poll(self) -> int | None:
        """The exit status, or None while the process runs."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def send_signal(self, number: int) -> None:
        """Nothing happens if the process has ended."""
        if self.returncode is None:
            with suppress(BrokenPipeError):  # it ended in the same moment
                self._server.send(str(number).encode())

    def kill(self) -> None:
        """End it by SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _received(self) -> str:
        message = self._server.recv(16).decode()
        if not message:
            raise RuntimeError(f"the server that forks {' '.join(self.args)} is gone; see its server.log")
        return message


def is_open(number: int) -> bool:
    """Not so the descriptor by which the folder of them has been read."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def main(server: str, interpreter: str, *words: str) -> None:
    """Be the process that the server forks, or the interpreter."""
    inherited = {number: number for number in map(int, os.listdir("/proc/self/fd")) if is_open(number)}
    try:
        process = Process(server, words, os.getcwd(), os.environ, inherited, os.getpid())
    except DeclinedError:
        os.execv(interpreter, [interpreter, *words])
    for number in FORWARDED:
        signal.signal(number, lambda received, _: process.send_signal(received))
    status = process.wait()
    if status < 0:
        if -status in FORWARDED:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


if __name__ == "__main__":
    main(*sys.argv[1:])
