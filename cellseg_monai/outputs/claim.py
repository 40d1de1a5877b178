"""Which files a run may write: new ones, and those that an earlier run of the same work has left."""

import json
import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.outputs.containment import inside
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.lock import HIDDEN, locked
from cellseg_monai.outputs.whole import in_plain_words, remove, remove_parts, write_text

logger = logging.getLogger(__name__)

JOURNAL = "written.jsonl"
"""In the hidden folder: a line for each file that is about to be written, and one when it is complete."""


class Entry(NamedTuple):
    """What the journal says of a file.

    Attributes:
        work: kind of work that wrote it, such as ``"predict"``.
        source: input that it was made from, if it was made from a single one.
        digest: SHA-256 of the content; None while it is being written.

    Example:
        >>> Entry("predict", "/images/a.tif", None).work
        'predict'
    """

    work: str
    source: str | None
    digest: str | None


class Claim:
    """The files of one run in its output folder; made by :func:`claim_outputs`.

    Attributes:
        folder: the output folder.

    Example:
        >>> import tempfile
        >>> with claim_outputs(tempfile.mkdtemp(), "predict") as claim:
        ...     claim.add(["a.tif"], begin=False)
        ...     with claim.writing(["a.tif"]):
        ...         write_text(claim.folder / "a.tif", "cells")
        >>> (claim.folder / "a.tif").read_text()
        'cells'
    """

    def __init__(self, folder: Path, work: str, inputs: Iterable[str | PathLike[str]]) -> None:
        self.folder = folder
        self._work = work
        self._inputs = {identity: Path(path) for path in inputs if (identity := _identity(Path(path)))}
        self._journal = _Journal(folder / HIDDEN / JOURNAL)
        self._former = {name: (entry, _state(folder / name)) for name, entry in self._journal.entries.items()}
        self._siblings: dict[str, list[str]] = defaultdict(list)
        for name, entry in self._journal.entries.items():
            if entry.source is not None and entry.work == work:
                self._siblings[entry.source].append(name)
        self._sources: dict[str, str] = {}
        self._open: set[str] = set()

    def add(
        self, targets: Iterable[str], sources: Mapping[str, str] | None = None, begin: bool = True
    ) -> None:
        """Claim further files.

        Args:
            targets: names of the files in the folder.
            sources: for targets that are made from a single input, that input by the name of the target.
            begin: they are written from now on; else :meth:`writing` says when.

        Raises:
            ValueError: a name leads out of the folder.
            FileExistsError: a target is an input, or was not written by an earlier run of this work. Then
                nothing is claimed.
        """
        made_from = {self._plain(name): str(source) for name, source in (sources or {}).items()}
        names = [self._plain(name) for name in targets]
        refused = [told for name in names if (told := self._fault(name, made_from.get(name)))]
        if refused:
            more = f" ({len(refused) - 1} more files likewise)" if len(refused) > 1 else ""
            raise FileExistsError(f"{refused[0]}{more}; choose another output folder, or move the file away")
        self._sources |= made_from
        remove_parts(self.folder / name for name in names)
        for name in names if begin else ():
            self._begin(name)

    @contextmanager
    def writing(self, targets: Iterable[str]) -> Iterator[None]:
        """Note that some of the claimed files are being written, and then that they are complete.

        What an earlier run made from the same input, such as an overlay, no longer fits, and is removed.

        Args:
            targets: their names in the folder.
        """
        names = [self._plain(name) for name in targets]
        for name in names:
            self._begin(name)
        yield
        for name in names:
            self._finish(name)
        for source in {self._sources[name] for name in names if name in self._sources}:
            self._remove_former(set(self._siblings[source]) - set(names))

    def close(self, complete: bool) -> None:
        """Note what became complete.

        Args:
            complete: files of earlier runs of this work that this run has not written are removed.
        """
        for name in sorted(self._open):
            self._finish(name)
        if complete:
            self._remove_former(self._former)

    def _remove_former(self, names: Iterable[str]) -> None:
        """Remove files of earlier runs of this work that neither this run nor anybody else has touched."""
        for name in names:
            path = self.folder / name
            entry, state = self._former[name]
            untouched = path.exists() and _state(path) == state
            if entry.work == self._work and untouched and entry.digest == digest_of(path):
                logger.info("%s: removed, an earlier run had left it", path)
                remove(path)

    def _plain(self, name: str) -> str:
        return inside(self.folder, name).relative_to(self.folder).as_posix()

    def _fault(self, name: str, source: str | None) -> str | None:
        path = self.folder / name
        input_file = self._inputs.get(_identity(path) or ())
        if input_file is not None:
            return f"{path} would be written over the input {input_file}"
        if not os.path.lexists(path):
            return None
        entry = self._journal.entries.get(name)
        if entry is None or entry.work != self._work:
            return f"{path} exists, and is not the result of an earlier {self._work!r} into {self.folder}"
        if source is not None and entry.source is not None and Path(source) != Path(entry.source):
            return f"{path} exists, and was made from something else, {entry.source}"
        if entry.digest is not None and entry.digest != digest_of(path):
            return f"{path} was changed since an earlier {self._work!r} wrote it"
        return None

    def _begin(self, name: str) -> None:
        self._open.add(name)
        self._journal.add(name, Entry(self._work, self._sources.get(name), None))

    def _finish(self, name: str) -> None:
        path = self.folder / name
        self._open.discard(name)
        if path.exists():
            self._journal.add(name, self._journal.entries[name]._replace(digest=digest_of(path)))


@contextmanager
def claim_outputs(
    folder: str | PathLike[str],
    work: str,
    targets: Iterable[str] = (),
    inputs: Iterable[str | PathLike[str]] = (),
    *,
    sources: Mapping[str, str] | None = None,
    complete: bool = False,
) -> Iterator[Claim]:
    r"""Make sure that a run writes over nothing but the results of earlier runs of the same work.

    A hidden journal in the folder remembers which files were written, by what work, from which input, and
    their hashes. While the run lasts no other process may write into the folder.

    Args:
        folder: the output folder; it is created.
        work: kind of work, such as ``"predict"``.
        targets: names of the files to be written.
        inputs: files that are read.
        sources: for targets that are made from a single input, that input by the name of the target.
        complete: the run writes all that there is of this work; what earlier runs left besides is removed.

    Yields:
        The claim, which can be extended.

    Raises:
        ValueError: a name leads out of the folder.
        FileExistsError: a target is an input, or exists and was not written by an earlier run of this work,
            or was changed since. Nothing is written then.
        FolderInUse: another process is writing into the folder.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for _ in range(2):
        ...     with claim_outputs(folder, "measure", ["cells.csv"]):
        ...         write_text(folder / "cells.csv", "label\n")
        >>> _ = (folder / "cells.csv").write_text("label,my own column\n")
        >>> with claim_outputs(folder, "measure", ["cells.csv"]):
        ...     pass
        Traceback (most recent call last):
        ...
        FileExistsError: .../cells.csv was changed since an earlier 'measure' wrote it; choose another ...
    """
    folder = Path(folder)
    with locked(folder):
        claim = Claim(folder, work, inputs)
        claim.add(targets, sources)
        succeeded = False
        try:
            yield claim
            succeeded = True
        finally:
            claim.close(complete and succeeded)


def _identity(path: Path) -> tuple[int, ...]:
    """The same for two names of one file; empty if there is none."""
    try:
        known = path.stat()
    except OSError:
        return ()
    return known.st_dev, known.st_ino


def _state(path: Path) -> tuple[int, ...]:
    """Another one after the file was replaced."""
    return (*_identity(path), path.stat().st_mtime_ns) if path.exists() else ()


@contextmanager
def claim_file(
    path: str | PathLike[str], work: str, inputs: Iterable[str | PathLike[str]] = ()
) -> Iterator[Path]:
    """The same as :func:`claim_outputs` for a run that writes a single file.

    Args:
        path: the file.
        work: kind of work, such as ``"report"``.
        inputs: files that are read.

    Yields:
        The path.

    Example:
        >>> import tempfile
        >>> with claim_file(f"{tempfile.mkdtemp()}/report.html", "report") as path:
        ...     write_text(path, "<!doctype html>")
        >>> path.name
        'report.html'
    """
    path = Path(path)
    with claim_outputs(path.parent, work, [path.name], inputs):
        yield path


def written_in(folder: str | PathLike[str]) -> dict[str, Entry]:
    """What the journal of an output folder says, by the names of the files.

    Args:
        folder: the folder; one without a journal gives nothing.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with claim_outputs(folder, "measure", ["cells.csv"]):
        ...     write_text(folder / "cells.csv", "label")
        >>> {name: entry.work for name, entry in written_in(folder).items()}
        {'cells.csv': 'measure'}
    """
    path = Path(folder) / HIDDEN / JOURNAL
    return _entries(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else {}


def _entries(lines: Iterable[str]) -> dict[str, Entry]:
    entries = {}
    for line in lines:
        try:
            known: dict[str, Any] = json.loads(line)
            entries[str(known["file"])] = Entry(known["work"], known["source"], known["sha256"])
        except (ValueError, KeyError, TypeError):  # cut by a crash while it was appended
            logger.debug("a line of a journal cannot be read: %s", line)
    return entries


class _Journal:
    """The last entry of each file, for a process that holds the lock of the folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.entries = _entries(lines)
        if len(lines) > len(self.entries):
            write_text(path, "".join(_line(*item) for item in self.entries.items()))

    def add(self, name: str, entry: Entry) -> None:
        self.entries[name] = entry
        with in_plain_words(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(_line(name, entry))


def _line(name: str, entry: Entry) -> str:
    known = {"file": name, "work": entry.work, "source": entry.source, "sha256": entry.digest}
    return json.dumps(known, ensure_ascii=False) + "\n"
