"""``run.json``: what a run was asked, what it read and wrote, with which versions, and how it ended."""

import json
import logging
import os
import platform
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event
from typing import Any

from cellseg_monai.outputs.causes import in_one_line
from cellseg_monai.outputs.containment import StrPath
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.origin import version_of
from cellseg_monai.outputs.whole import write_text

logger = logging.getLogger(__name__)

RUN = "run.json"
"""File in an output folder, with one entry for each command that wrote into the folder."""

PARTS = ("weights", "configs", "inputs", "outputs")
"""Lists of files in an entry, each with path, size and SHA-256."""

_PACKAGES = ("cellseg-monai", "monai", "torch", "numpy", "scipy", "scikit-image", "tifffile")


_running: dict[tuple[Path, str], "Run"] = {}
"""Runs of this process that are being recorded, by folder and kind of work."""


class Run:
    """Record of a run, which :func:`~cellseg_monai.outputs.claim_outputs` writes to ``run.json``.

    A thread hashes the inputs while the run works. The record is written when the run begins, without an end,
    and again when it ends; so a run that was killed is recognised by ``"end": null``. An earlier record of
    the same work stays under ``earlier`` as long as results of it are left.

    Args:
        work: kind of work, such as ``"predict"``.
        options: arguments of the run, defaults included; functions are left out.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with Run("measure", {"neighbours": 6}).recorded(folder) as run:
        ...     run.begin(folder)
        ...     run.note(counts={"images": 3})
        >>> record = read_runs(folder)["measure"]
        >>> record["exit"], record["options"], record["counts"]
        ('done', {'neighbours': 6}, {'images': 3})
    """

    def __init__(self, work: str, options: Mapping[str, Any] | None = None) -> None:
        self.work = work
        self._files: dict[str, dict[str, Future[dict[str, Any]]]] = {part: {} for part in PARTS}
        self._stop = Event()
        self._earlier: list[dict[str, Any]] | None = None
        self._hashing = ThreadPoolExecutor(1, "hash of inputs", _step_back)
        asked = {name: value for name, value in (options or {}).items() if not callable(value)}
        self._facts: dict[str, Any] = {
            "command": shlex.join(sys.argv),
            "exit": None,
            "start": _now(),
            "end": None,
            "options": _plain(asked),
            "seed": _plain(asked.get("seed")),
            "device": "cpu",
            "counts": {},
            "versions": versions(),
            "host": {
                "name": platform.node(),
                "system": platform.platform(),
                "processors": os.cpu_count() or 0,
                "process": os.getpid(),
            },
        }

    def note(self, **facts: Any) -> None:
        """Add facts to the record.

        Args:
            facts: values by key; a dictionary is laid over one that is there already.
        """
        for name, value in facts.items():
            known, new = self._facts.get(name), _plain(value)
            self._facts[name] = known | new if isinstance(known, dict) and isinstance(new, dict) else new

    def files(self, part: str, files: Iterable[StrPath], *, hashed: bool = True) -> None:
        """List files in the record, and hash them in the background.

        Args:
            part: list in the record, one of :data:`PARTS`.
            files: files, or folders such as OME-Zarr.
            hashed: whether to hash them; otherwise :meth:`hashed` states the hashes later.
        """
        for path in map(os.path.abspath, files):
            if path not in self._files[part]:
                work = self._hashing.submit(file_facts, Path(path), self._stop) if hashed else Future()
                self._files[part][path] = work

    def hashed(self, part: str, path: StrPath, digest: str) -> None:
        """List a file or folder whose hash is known.

        Args:
            part: list in the record, one of :data:`PARTS`.
            path: file or folder.
            digest: its SHA-256.
        """
        future: Future[dict[str, Any]] = Future()
        file = Path(path).absolute()
        future.set_result({"file": str(file), "bytes": _size(file), "sha256": digest})
        self._files[part][str(file)] = future

    @contextmanager
    def recorded(self, folder: StrPath) -> Iterator["Run"]:
        """Write the record into a folder when the run ends, if it has begun.

        Args:
            folder: output folder, which the process has locked.

        Yields:
            The run itself.
        """
        folder = Path(folder)
        key = folder.resolve(), self.work
        _running[key] = self
        try:
            yield self
            self._facts["exit"] = "done"
        except BaseException as error:
            interrupted = not isinstance(error, Exception)
            self._facts["exit"] = "interrupted" if interrupted else in_one_line(error)
            if at_once := interrupted or self._earlier is None:
                self._stop.set()
            self._hashing.shutdown(wait=not at_once, cancel_futures=at_once)
            try:
                self._end(folder)
            except OSError as fault:  # the error of the run counts, which may be the same full disk
                logger.warning("%s: %s", folder / RUN, fault)
            raise
        finally:
            del _running[key]
        self._hashing.shutdown()
        self._end(folder)

    def begin(self, folder: StrPath) -> None:
        """Write the record into a folder, without an end.

        Args:
            folder: output folder.

        Raises:
            FileExistsError: the folder has a ``run.json`` that is not a record of runs.
        """
        if self._earlier is None:
            former = read_runs(folder).get(self.work)
            self._earlier = [] if former is None else [former, *former.pop("earlier", ())]
            self._write(Path(folder))

    def _end(self, folder: Path) -> None:
        if self._earlier is not None:
            self._facts["end"] = _now()
            self._write(folder)

    def _write(self, folder: Path) -> None:
        listed = {
            part: [_entry(path, future) for path, future in files.items()]
            for part, files in self._files.items()
            if files
        }
        for entry in listed.get("outputs", ()):
            entry["file"] = Path(os.path.relpath(entry["file"], folder.absolute())).as_posix()
        written = {entry["file"] for entry in listed.get("outputs", ())}
        earlier = []
        for record in self._earlier or ():
            outputs = [entry for entry in record.get("outputs", ()) if entry["file"] not in written]
            if outputs := [entry for entry in outputs if (folder / entry["file"]).exists()]:
                earlier.append(record | {"outputs": outputs})
        record = self._facts | listed | ({"earlier": earlier} if earlier else {})
        runs = read_runs(folder) | {self.work: record}
        write_text(folder / RUN, json.dumps(runs, indent=1, ensure_ascii=False) + "\n")


def _entry(path: str, future: Future[dict[str, Any]]) -> dict[str, Any]:
    """Facts about a file, without size and hash if they are not known yet."""
    known = future.done() and not future.cancelled()
    return dict(future.result()) if known else {"file": path, "bytes": None, "sha256": None}


def running(folder: StrPath, work: str) -> Run | None:
    """Return the run of this process that is being recorded in a folder.

    Example:
        >>> running("out", "predict") is None
        True
    """
    return _running.get((Path(folder).resolve(), work))


def read_runs(folder: StrPath) -> dict[str, Any]:
    """Records of the runs that wrote into a folder, by their kind of work.

    Args:
        folder: output folder; one without ``run.json`` has no records.

    Raises:
        FileExistsError: ``run.json`` is not a record of runs.

    Example:
        >>> import tempfile
        >>> read_runs(tempfile.mkdtemp())
        {}
    """
    path = Path(folder) / RUN
    if not path.is_file():
        return {}
    try:
        runs: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if all(map(_is_record, runs.values())):
            return runs
    except (ValueError, AttributeError, RecursionError):
        pass
    raise FileExistsError(f"{path} exists, but is not a record of runs; move it away")


def _is_record(run: Any) -> bool:
    """Whether content of a ``run.json`` is a record, as far as it is read here."""
    if not isinstance(run, dict) or not {"command", "exit", "start", "end"} <= run.keys():
        return False
    lists = [run.get(name, []) for name in (*PARTS, "earlier")]
    if not all(isinstance(listed, list) for listed in lists):
        return False
    *files, earlier = lists
    known = all(isinstance(entry, dict) and _is_file(entry) for listed in files for entry in listed)
    return known and all(map(_is_record, earlier))


def _is_file(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("file"), str) and "\0" not in entry["file"] and "sha256" in entry


def file_facts(path: Path, stop: Event | None = None) -> dict[str, Any]:
    """Path, size and SHA-256 of a file or folder; size and hash are None if it cannot be read.

    Example:
        >>> file_facts(Path("absent.tif"))
        {'file': 'absent.tif', 'bytes': None, 'sha256': None}
    """
    try:
        return {"file": path.as_posix(), "bytes": _size(path), "sha256": digest_of(path, stop)}
    except OSError:
        return {"file": path.as_posix(), "bytes": None, "sha256": None}


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if not file.is_dir())


def versions() -> dict[str, str]:
    """Versions of Python, of this package and of the libraries that results depend on.

    Example:
        >>> sorted(versions())[:3]
        ['cellseg-monai', 'monai', 'numpy']
    """
    return {"python": platform.python_version()} | {name: version_of(name) for name in _PACKAGES}


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; what JSON does not have is text."""
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _step_back() -> None:
    """Give way to the threads that compute; only Linux has priorities of threads."""
    if sys.platform == "linux":
        os.nice(10)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
