"""Which files a run may write: new ones, and those that an earlier run of the same work has left."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from cellseg_monai.outputs.containment import inside
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.journal import Entry, Journal
from cellseg_monai.outputs.lock import locked
from cellseg_monai.outputs.whole import remove, remove_parts

logger = logging.getLogger(__name__)


class Claim:
    """The files of one run in its output folder; made by :func:`claim_outputs`.

    Attributes:
        folder: the output folder.

    Example:
        >>> import tempfile
        >>> with claim_outputs(tempfile.mkdtemp(), "predict") as claim:
        ...     claim.add(["a.tif"], begin=False)
        ...     with claim.writing(["a.tif"]):
        ...         _ = (claim.folder / "a.tif").write_text("cells")
        >>> (claim.folder / "a.tif").read_text()
        'cells'
    """

    def __init__(self, folder: Path, work: str, inputs: Iterable[str | PathLike[str]]) -> None:
        self.folder = folder
        self._work = work
        self._inputs = {identity: Path(path) for path in inputs if (identity := _identity(Path(path)))}
        self._journal = Journal(folder)
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
        self.check(names, made_from)
        self._sources |= made_from
        remove_parts(self.folder / name for name in names)
        for name in names if begin else ():
            self._begin(name)

    def check(self, targets: Iterable[str], sources: Mapping[str, str]) -> None:
        """Raise if files may not be claimed; see :meth:`add`."""
        plain = ((self._plain(name), sources.get(name)) for name in targets)
        refused = [told for name, source in plain if (told := self._fault(name, source))]
        if refused:
            more = f" ({len(refused) - 1} more files likewise)" if len(refused) > 1 else ""
            raise FileExistsError(f"{refused[0]}{more}; choose another output folder, or move the file away")

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

    def compact(self) -> None:
        """Bring the journal to one line a file."""
        self._journal.compact()

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
        ...         _ = (folder / "cells.csv").write_text("label\n")
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
        claim.compact()
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


def require_free(
    folder: str | PathLike[str],
    work: str,
    targets: Iterable[str],
    sources: Mapping[str, str] | None = None,
) -> None:
    """Raise, before long work begins, if its results may not be written; nothing is written or locked.

    Args:
        folder: the output folder, which need not exist.
        work: kind of work, such as ``"evaluate"``.
        targets: names of the files to be written.
        sources: for targets that are made from a single input, that input by the name of the target.

    Raises:
        ValueError, FileExistsError: as for :func:`claim_outputs`.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> require_free(folder, "report", ["report.html"])
        >>> _ = (folder / "report.html").write_text("mine")
        >>> require_free(folder, "report", ["report.html"])
        Traceback (most recent call last):
        ...
        FileExistsError: .../report.html exists, and is not the result of an earlier 'report' into ...
    """
    Claim(Path(folder), work, ()).check(targets, sources or {})


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
        ...     _ = path.write_text("<!doctype html>")
        >>> path.name
        'report.html'
    """
    path = Path(path)
    with claim_outputs(path.parent, work, [path.name], inputs):
        yield path
