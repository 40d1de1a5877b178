"""Faults in the middle of commands: `python benchmarks/faults.py [--times N] [--only NAME] [--table FILE]`.

Each command runs once undisturbed. Then each fault comes N times, at a moment between the start and the end,
and two questions are asked. Is each file that lies there as a result, byte for byte, what the undisturbed
command wrote? And does the same command, run again, end with exactly those files? The exit code is the number
of faults after which one of the answers was no.

Processes are forked from this one. Disks that are full and read-only are small ones in memory, which only
root can mount; without that right, files that may not grow take the place of the full disk.
"""

import argparse
import csv
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

UNCOMPARED = ("run.json", "summary.json", "report.html", "timing.csv")
"""Files with the time of the run in them; they are whole if they can be read as what they are."""

GROWING = ("counts.csv",)
"""Tables that get a row with each image."""


class Fault(NamedTuple):
    """What became of a command with a fault.

    Attributes:
        command: name of the command.
        fault: what happened to it.
        struck: whether the command was still running.
        half: results that are not those of the undisturbed command.
        remedied: whether the same command then wrote all results.
        seconds: how long the command went on after a signal.
    """

    command: str
    fault: str
    struck: bool
    half: tuple[str, ...] = ()
    remedied: bool = True
    seconds: float = 0.0


def main() -> int:
    """Inject the faults, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="number of each fault for each command")
    parser.add_argument("--only", nargs="+", help="names of commands")
    parser.add_argument("--faults", nargs="+", choices=FAULTS, default=list(FAULTS))
    parser.add_argument("--table", type=Path, help="file for the outcome of each fault")
    options = parser.parse_args()
    found: list[Fault] = []
    with TemporaryDirectory(prefix="faults") as folder:
        commands = prepared(Path(folder))
        for name, words in commands.items():
            if not options.only or name in options.only:
                of_command = list(disturbed(name, words, Path(folder) / "out", options.times, options.faults))
                _print_table(of_command)
                found += of_command
    if options.table:
        with options.table.open("w", newline="") as file:
            csv.writer(file).writerows([Fault._fields, *found])
    return sum(bool(fault.half) or not fault.remedied for fault in found)


def prepared(folder: Path) -> dict[str, list[str]]:
    """Write the data of the commands, and return their words; ``{out}`` is the folder of the results."""
    from cellseg_monai.cli import main as cellseg
    from cellseg_monai.data import write_synthetic_dataset

    data = write_synthetic_dataset("nuclei", folder / "data", count=3, size=(96, 128)).parent
    labels, images = data / "labels", data / "images"
    labels = labels if labels.is_dir() else data / "masks"
    annotated = folder / "annotated"
    shutil.copytree(images, annotated)
    assert cellseg(["convert", str(labels), "--to", "geojson", "--out", str(folder / "outlines")]) == 0
    for file in (folder / "outlines").glob("*.geojson"):
        shutil.copy(file, annotated)
    pairs = ["--pred", str(labels), "--truth", str(labels)]
    return {
        "measure": ["measure", str(labels), "--images", str(images), "--out", "{out}"],
        "evaluate": ["evaluate", *pairs, "--out", "{out}"],
        "convert": ["convert", str(labels), "--to", "geojson", "--out", "{out}"],
        "convert to OME-Zarr": ["convert", str(labels), "--to", "ome-zarr", "--out", "{out}"],
        "predict": ["predict", "skip_unet", str(images), "--out", "{out}"],
        "track": ["track", str(labels), "--out", "{out}"],
        "data import": ["data", "import", "annotations", str(annotated), "{out}"],
        "data synthesize": ["data", "synthesize", "nuclei", "{out}", "--count", "4", "--size", "96", "96"],
    }


def disturbed(name: str, words: list[str], out: Path, times: int, faults: Sequence[str]) -> Iterator[Fault]:
    """Run a command undisturbed, and then with each fault several times."""
    from cellseg_monai.cli import main as cellseg

    cellseg([word.format(out=out) for word in words])  # the processes forked from this one load nothing
    _remove(out)
    began = time.monotonic()
    assert _wait(_started(words, out)) == 0, f"{name} fails undisturbed"
    length = time.monotonic() - began
    whole = contents(out)
    for fault in faults:
        random = Random(f"{name} {fault}")
        for _ in range(times):
            _remove(out)
            with FAULTS[fault](words, out, random.random() * length, sum(map(len, whole.values()))) as ending:
                half = tuple(
                    file for file, content in contents(out).items() if not _is_of(file, content, whole)
                )
            remedied = contents(out) == whole  # a finished dataset is not imported once more
            if not remedied:
                if fault == "folder removed":  # as the command tells
                    _remove(out)
                remedied = _wait(_started(words, out)) == 0 and contents(out) == whole
            yield Fault(name, fault, ending.struck, half, remedied, ending.seconds)
    _remove(out)


class Ending(NamedTuple):
    """Whether a fault struck a command, and how long the command went on after a signal."""

    struck: bool
    seconds: float = 0.0


def contents(folder: Path) -> dict[str, bytes]:
    """Results in a folder by name; parts that are being written, and what is hidden, are no results."""
    files = (file for file in folder.rglob("*") if file.is_file())
    return {
        file.relative_to(folder).as_posix(): _content(file)
        for file in files
        if not any(_is_hidden(part) for part in file.relative_to(folder).parts)
    }


def _is_of(file: str, content: bytes, whole: dict[str, bytes]) -> bool:
    """Whether a file is as the undisturbed command wrote it, or has some of its rows if it grows by rows."""
    if file in GROWING:
        return {*content.splitlines(True)} <= {*whole[file].splitlines(True)}
    return whole.get(file) == content


def _content(file: Path) -> bytes:
    """Content of a file; of those with the time of the run in them, only whether they are whole."""
    content = file.read_bytes()
    if file.name not in UNCOMPARED:
        return content
    if file.suffix == ".html":
        return b"whole" if content.rstrip().endswith(b"</html>") else content
    if file.suffix == ".csv":
        return b"whole" if content.endswith(b"\n") else content
    try:
        json.loads(content)
    except ValueError:
        return content
    return b"whole"


def _is_hidden(part: str) -> bool:
    return part == ".cellseg" or part.startswith(".cellseg-part-")


def _started(words: list[str], out: Path, before: Callable[[], None] = lambda: None) -> int:
    """Fork a process that runs the command; its output is lost."""
    child = os.fork()
    if child:
        return child
    code = 99
    try:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell ignores in the background
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        before()
        from cellseg_monai.cli import main as cellseg

        code = cellseg([word.format(out=out) for word in words])
    finally:
        os._exit(code)


def _wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@contextmanager
def _signal(number: int, words: list[str], out: Path, after: float, _: int) -> Iterator[Ending]:
    child = _started(words, out)
    time.sleep(after)
    os.kill(child, number)
    sent = time.monotonic()
    code = _wait(child)
    yield Ending(code != 0, time.monotonic() - sent)


@contextmanager
def _full_disk(words: list[str], out: Path, after: float, size: int) -> Iterator[Ending]:
    """A disk with room for a part of the results; it grows before the command runs again."""
    room = max(8192, int(size * (after % 1)))
    if not _mounted(out, f"size={room}"):

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (room // 8, resource.RLIM_INFINITY))

        yield Ending(_wait(_started(words, out, limit)) != 0)
        return
    try:
        yield Ending(_wait(_started(words, out)) != 0)
        _mounted(out, "remount,size=64m")
    except BaseException:
        _unmount(out)
        raise


@contextmanager
def _read_only(words: list[str], out: Path, after: float, _: int) -> Iterator[Ending]:
    """A disk with the results of an earlier run that has become read-only, as after an error of the drive."""
    if not _mounted(out, "size=64m"):
        raise SystemExit("a read-only disk needs the right to mount one; leave it out with --faults")
    _wait(_started(words, out))
    _mounted(out, "remount,ro")
    yield Ending(_wait(_started(words, out)) != 0)
    _mounted(out, "remount,rw")


def _mounted(folder: Path, options: str) -> bool:
    folder.mkdir(parents=True, exist_ok=True)
    call = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    return subprocess.run(call, capture_output=True).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


def _remove(out: Path) -> None:
    while os.path.ismount(out):
        _unmount(out)
    shutil.rmtree(out, ignore_errors=True)


@contextmanager
def _two_at_once(words: list[str], out: Path, after: float, _: int) -> Iterator[Ending]:
    first = _started(words, out)
    time.sleep(after)
    second = _started(words, out)
    codes = [_wait(first), _wait(second)]
    yield Ending(codes != [0, 0])


@contextmanager
def _removed(words: list[str], out: Path, after: float, _: int) -> Iterator[Ending]:
    child = _started(words, out)
    time.sleep(after)
    struck = os.waitpid(child, os.WNOHANG) == (0, 0)
    shutil.rmtree(out, ignore_errors=True)
    if struck:
        _wait(child)
    yield Ending(struck)


def _of(number: int) -> Callable[..., object]:
    return lambda *given: _signal(number, *given)


FAULTS: dict[str, Callable[..., object]] = {
    "SIGKILL": _of(signal.SIGKILL),
    "SIGTERM": _of(signal.SIGTERM),
    "Ctrl-C": _of(signal.SIGINT),
    "disk full": _full_disk,
    "read-only": _read_only,
    "two at once": _two_at_once,
    "folder removed": _removed,
}
"""Faults by name."""


def _print_table(found: list[Fault]) -> None:
    print(f"{'command':20} {'fault':14} injected struck half-written remedied slowest")
    for command, fault in dict.fromkeys((each.command, each.fault) for each in found):
        rows = [each for each in found if (each.command, each.fault) == (command, fault)]
        struck, half = sum(each.struck for each in rows), sum(bool(each.half) for each in rows)
        remedied, slowest = sum(each.remedied for each in rows), max(each.seconds for each in rows)
        counts = f"{len(rows):8} {struck:6} {half:12} {remedied:8}"
        print(f"{command:20} {fault:14} {counts} {slowest:6.1f}s", flush=True)
        for each in rows:
            if each.half or not each.remedied:
                print(f"    {each}")


if __name__ == "__main__":
    sys.exit(min(main(), 100))
