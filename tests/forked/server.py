"""Imports what the commands of the package need, once, and forks a process for each command it is asked for.

    python server.py FOLDER

listens on FOLDER/socket until its standard input is closed; then it kills what still runs and removes FOLDER.

A request is one message with the file descriptors of the process to be, standard streams first. The forked
process leaves `Server.serve` and runs its command in `become`, as the interpreter would: exit codes,
`sys.excepthook` and `atexit` are those of any Python. The answer is the number of the process and,
once it has ended, its exit status. A message from the client is the number of a signal to send. If the client
is gone, its process is killed.

Variables that are read as an interpreter starts or a library is loaded cannot be changed by a fork: a request
with others than those of the server is declined, and the client starts an interpreter. What libraries set
while they are imported, a forked process has set from its beginning.
"""

import atexit
import fcntl
import gc
import json
import multiprocessing
import os
import selectors
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from runpy import _run_module_as_main
from types import ModuleType, TracebackType
from typing import Any

MESSAGE, DESCRIPTORS = 1 << 20, 64
READ_AT_START = (
    "PYTHON",
    "OMP_",
    "OPENBLAS_",
    "MKL_",
    "KMP_",
    "LD_",
    "MALLOC_",
    "LC_",
    "LANG",
    "MONAI_",
    "MPL",
)
WITHOUT_EFFECT = ("PYTHONHASHSEED", "MALLOC_TRIM_THRESHOLD_")
"""What dask asks for its workers: to agree on hashes, as all forks of a server do, and to spare memory."""

AS_OPENMP = ("MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Libraries that have as many threads as OpenMP unless these say otherwise."""

IMPORTED = (
    *("monai.bundle", "ignite", "tensorboard", "torch._dynamo", "torch.utils.tensorboard"),
    *("skimage", "scipy.ndimage"),
)
PRINT = sys.excepthook


@dataclass
class Forked:
    """A process that runs, and who asked for it.

    Attributes:
        pid: number of the process.
        ended: file descriptor that is readable once the process has ended.
        client: connection to who asked for it.
    """

    pid: int
    ended: int
    client: socket.socket

    def pass_signal(self) -> bool:
        """Send the process the signal that the client names. If the client is gone: kill it, and False."""
        try:
            message = self.client.recv(16)
        except ConnectionResetError:
            message = b""
        os.kill(self.pid, int(message) if message else signal.SIGKILL)
        return bool(message)

    def tell_status(self) -> None:
        """Tell the client how the process ended."""
        _, status = os.waitpid(self.pid, 0)
        with suppress(BrokenPipeError):  # nobody waits for it any more
            self.client.send(str(os.waitstatus_to_exitcode(status)).encode())

    def close(self) -> None:
        os.close(self.ended)
        self.client.close()


class Server:
    """Forks a process for each request.

    Args:
        folder: of the socket.
        started: environment with which this interpreter started.
        added: variables that libraries have set since.
    """

    def __init__(self, folder: Path, started: Mapping[str, str], added: Mapping[str, str]) -> None:
        self.folder = folder
        self.added = added
        self.unchangeable = read_at_start({**added, **started})
        self.running: dict[int, Forked] = {}
        self.events = selectors.PollSelector()
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(str(folder / "socket"))
        self.listener.listen(64)

    def serve(self) -> dict[str, Any]:
        """Returns only in a forked process: what it is asked to be."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the client, and by that this server
        self.events.register(sys.stdin.fileno(), selectors.EVENT_READ)
        self.events.register(self.listener, selectors.EVENT_READ)
        print("ready", flush=True)  # noqa: T201 - whoever started this server waits for the line
        while True:
            for key, _ in self.events.select():
                if key.fileobj is self.listener:
                    if request := self.accept():
                        return request
                elif key.data is None:
                    self.end()
                elif key.data.pid in self.running:  # otherwise it has ended in the same moment
                    self.attend(key.data, key.fileobj)

    def accept(self) -> dict[str, Any] | None:
        """Take a request and fork: the request in the forked process, None in the server."""
        client, _ = self.listener.accept()
        message, streams, _, _ = socket.recv_fds(client, MESSAGE, DESCRIPTORS)
        request: dict[str, Any] = json.loads(message)
        request["environment"] = {**self.added, **request["environment"]}
        if read_at_start(request["environment"]) != self.unchangeable:
            client.send(b"declined")
            client.close()
        elif (pid := os.fork()) == 0:
            client.close()
            self.leave(dict(zip(request["descriptors"], streams, strict=True)))
            return request
        else:
            forked = self.running[pid] = Forked(pid, os.pidfd_open(pid), client)
            for watched in (forked.ended, client):
                self.events.register(watched, selectors.EVENT_READ, forked)
            with suppress(BrokenPipeError):  # the client is gone, and the next event kills the process
                client.send(str(pid).encode())
        for stream in streams:
            os.close(stream)
        return None

    def leave(self, descriptors: Mapping[int, int]) -> None:
        """Keep nothing of the server, and have these file descriptors by the numbers that the client has."""
        self.events.close()
        self.listener.close()
        for other in self.running.values():
            other.close()
        beyond = 1 + max(*descriptors, *descriptors.values())
        moved = {number: fcntl.fcntl(own, fcntl.F_DUPFD, beyond) for number, own in descriptors.items()}
        for own in descriptors.values():
            os.close(own)
        for number, own in moved.items():
            os.dup2(own, number)
            os.close(own)

    def attend(self, forked: Forked, event: object) -> None:
        """The client says something, or the process has ended."""
        if event is forked.client:
            if not forked.pass_signal():
                self.events.unregister(forked.client)
            return
        forked.tell_status()
        for watched in (forked.client, forked.ended):
            if watched in self.events.get_map():
                self.events.unregister(watched)
        forked.close()
        del self.running[forked.pid]

    def end(self) -> None:
        """Nobody is left to ask."""
        for forked in self.running.values():
            os.kill(forked.pid, signal.SIGKILL)
        shutil.rmtree(self.folder)
        sys.exit()


def load() -> dict[str, str]:
    """Import everything without computing anything; the variables that libraries have set on the way.

    A fork has only the thread that forks, so there must be no other. (Those of jemalloc and OpenBLAS, which
    the system alone counts, start again after a fork.)
    """
    before = {**os.environ}
    sys.path.pop(0)  # the folder of this file, from which nothing is to be imported
    for name in IMPORTED:
        import_module(name)
    package = import_module("cellseg_monai")
    for module in walk_packages(package.__path__, "cellseg_monai."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    assert threading.active_count() == 1, threading.enumerate()
    gc.freeze()  # so that the garbage collector of a fork does not touch, and thereby copy, what is shared
    return {name: value for name, value in os.environ.items() if name not in before}


def read_at_start(environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that take effect only as an interpreter starts."""
    found = {
        name: value
        for name, value in environment.items()
        if name.startswith(READ_AT_START) and name not in WITHOUT_EFFECT
    }
    if (threads := found.get("OMP_NUM_THREADS")) is not None:
        found = dict.fromkeys(AS_OPENMP, threads) | found
    return found


def become(request: Mapping[str, Any], shims: Path) -> None:
    """Make this process what the interpreter would be, and run the command."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.excepthook = sys.__excepthook__ = print_without_server
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    have_parent(request["parent"], request["stand_in"])
    sys.executable = str(shims / "python")  # the commands that this one starts are forked, too
    multiprocessing.set_executable(sys.executable)
    # Generators that libraries seed from the system as they are loaded; `random` reseeds itself.
    import_module("numpy").random.seed()
    import_module("monai.transforms").Randomizable.R.seed()
    main = sys.modules["__main__"] = ModuleType("__main__")
    if request["words"][0] == "-m":
        sys.argv = request["words"][1:]
        sys.path.insert(0, request["folder"])
        _run_module_as_main(sys.argv[0])  # by which the interpreter runs a module, too
    elif request["words"][0] == "-c":
        sys.argv = ["-c", *request["words"][2:]]
        sys.path.insert(0, "")
        exec(request["words"][1], main.__dict__)
    else:
        sys.argv = request["words"]
        script = Path(sys.argv[0])
        sys.path.insert(0, str(script.parent))
        main.__file__ = sys.argv[0]
        exec(compile(script.read_bytes(), sys.argv[0], "exec"), main.__dict__)


def have_parent(parent: int, stand_in: int | None) -> None:
    """Let `os.getppid` give, in this process but not in its children, the parent of an interpreter."""
    true = os.getppid
    os.getppid = lambda: parent if stand_in is None else parent_of(stand_in)
    os.register_at_fork(after_in_child=lambda: setattr(os, "getppid", true))


def parent_of(process: int) -> int:
    """The parent of a process, or who took its place when it ended."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def print_without_server(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """A traceback as the interpreter prints it, beginning after the lines of this file."""
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    PRINT(kind, error.with_traceback(trace), trace)


def finish(status: int) -> None:
    """End this process as the interpreter does, but without half a second for freeing what was imported."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None and not stream.closed:
                stream.flush()
    except OSError:
        sys.exit(status)  # the interpreter tells that nobody reads the stream
    os._exit(status & 0xFF)


if __name__ == "__main__":
    started_with, server_folder = {**os.environ}, Path(sys.argv[1])
    code = None
    try:
        become(Server(server_folder, started_with, load()).serve(), server_folder / "bin")
    except SystemExit as stopped:
        if not isinstance(stopped.code, int | None):
            raise
        code = stopped.code
    finish(code or 0)
