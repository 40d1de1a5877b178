"""The files of one run in its output folder: which it may write, which are complete, which are outdated."""

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from cellseg_monai.outputs.containment import StrPath, inside
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.journal import Entry, append, written_in
from cellseg_monai.outputs.run_record import Run, running
from cellseg_monai.outputs.whole import remove, remove_parts

logger = logging.getLogger(__name__)


class Claim:
    """The files of one run in its output folder; made by :func:`~cellseg_monai.outputs.claim_outputs`.

    Attributes:
        folder: output folder.
        run: record of the run; None if it is not recorded.

    Example:
        >>> import tempfile
        >>> from cellseg_monai.outputs import claim_outputs
        >>> with claim_outputs(tempfile.mkdtemp(), "predict") as claim:
        ...     claim.add(["a.tif"], begin=False)
        ...     claim.begin(["a.tif"])
        ...     _ = (claim.folder / "a.tif").write_text("cells")
        ...     claim.finish(["a.tif"])
        >>> (claim.folder / "a.tif").read_text()
        'cells'
    """

    def __init__(
        self, folder: Path, work: str, inputs: Iterable[StrPath] = (), stack: ExitStack | None = None
    ) -> None:
        self.folder = folder
        self.run = running(folder, work)
        self._stack = stack or ExitStack()
        self._work = work
        self._read = list(inputs)
        self._inputs = {identity: Path(path) for path in self._read if (identity := _identity(Path(path)))}
        self._entries = written_in(folder)
        former = {name: entry for name, entry in self._entries.items() if entry.work == work}
        self._former = {name: (entry.digest, _state(folder / name)) for name, entry in former.items()}
        self._made_from: dict[str, set[str]] = defaultdict(set)
        for name, entry in former.items():
            if entry.source is not None:
                self._made_from[entry.source].add(name)
        self._sources: dict[str, str] = {}
        self._open: set[str] = set()

    def add(
        self, targets: Iterable[str], sources: Mapping[str, str] | None = None, *, begin: bool = True
    ) -> None:
        """Claim further files.

        Args:
            targets: names of the files in the folder.
            sources: input by target, for targets that are made from a single input.
            begin: whether writing begins now; otherwise :meth:`begin` marks its beginning.

        Raises:
            ValueError: a name leads out of the folder.
            FileExistsError: a target is an input, or was not written by an earlier run of this work. Nothing
                is claimed in this case.
        """
        made_from = {self._plain(name): str(source) for name, source in (sources or {}).items()}
        names = [self._plain(name) for name in targets]
        self.check(names, made_from)
        self._sources |= made_from
        remove_parts(self.folder / name for name in names)
        if begin:
            self._begin(names)

    def check(self, targets: Iterable[str], sources: Mapping[str, str]) -> None:
        """Raise if files may not be claimed; see :meth:`add`."""
        plain = ((self._plain(name), sources.get(name)) for name in targets)
        faults = [fault for name, source in plain if (fault := self._fault(name, source))]
        if faults:
            more = f" ({len(faults) - 1} more files likewise)" if len(faults) > 1 else ""
            raise FileExistsError(f"{faults[0]}{more}; choose another output folder, or move the file away")

    def record(self, run: Run, *, hashed: bool = True) -> Run:
        """Begin the record of the run, once nothing stands against it.

        Args:
            run: record to write when the claim ends.
            hashed: whether to hash the inputs; see :meth:`~cellseg_monai.outputs.Run.files`.

        Returns:
            The record that is written: that of an enclosing claim if there is one.
        """
        if self.run is None:
            self.run = self._stack.enter_context(run.recorded(self.folder))
        self.run.files("inputs", self._read, hashed=hashed)
        self.run.begin(self.folder)
        return self.run

    def is_whole(self, targets: Iterable[str]) -> bool:
        """Whether an earlier run of this work has completed files that still exist.

        Args:
            targets: names of the files in the folder; :meth:`add` has found them unchanged.
        """
        known = (self._former.get(name, (None, ())) for name in map(self._plain, targets))
        return all(digest is not None and state for digest, state in known)

    def keep(self, targets: Iterable[str]) -> None:
        """List files that an earlier run has completed among the outputs of this one.

        Args:
            targets: names of the files in the folder.
        """
        names = [self._plain(name) for name in targets]
        if (run := self.run) is not None:
            for name in names:
                run.hashed("outputs", self.folder / name, self._entries[name].digest or "")
        self._remove_others(names)

    def begin(self, targets: Iterable[str]) -> None:
        """Record that some of the claimed files are being written.

        Args:
            targets: names of the files in the folder.
        """
        self._begin([self._plain(name) for name in targets])

    def finish(self, targets: Iterable[str]) -> None:
        """Record that some of the claimed files are complete.

        Other files that an earlier run made from the same input, such as an overlay, are out of date and
        removed.

        Args:
            targets: names of the files in the folder.
        """
        names = [self._plain(name) for name in targets]
        self._finish(names)
        self._remove_others(names)

    def _remove_others(self, names: Sequence[str]) -> None:
        """Remove what earlier runs made from the same inputs."""
        for source in {self._sources[name] for name in names if name in self._sources}:
            self._remove_former(self._made_from[source].difference(names))

    def close(self, complete: bool) -> None:
        """Record which files are complete.

        Args:
            complete: whether to remove files of earlier runs of this work that this run has not written.
        """
        self._finish(sorted(self._open))
        if complete:
            self._remove_former(self._former)

    def _remove_former(self, names: Iterable[str]) -> None:
        """Remove files of earlier runs that have not been touched by this run or anyone else."""
        for name in names:
            path, (digest, state) = self.folder / name, self._former[name]
            if path.exists() and _state(path) == state and digest_of(path) == digest:
                logger.info("%s: removed; an earlier run left it", path)
                remove(path)

    def _plain(self, name: str) -> str:
        return inside(self.folder, name).relative_to(self.folder).as_posix()

    def _fault(self, name: str, source: str | None) -> str | None:
        path = self.folder / name
        input_file = self._inputs.get(_identity(path))
        if input_file is not None:
            return f"{path} would overwrite the input {input_file}"
        if not os.path.lexists(path):
            return None
        entry = self._entries.get(name)
        if entry is None or entry.work != self._work:
            return f"{path} exists, but is not the result of an earlier {self._work!r} in {self.folder}"
        if source is not None and entry.source is not None and Path(source) != Path(entry.source):
            return f"{path} exists, but was made from another input, {entry.source}"
        if entry.digest is not None and entry.digest != digest_of(path):
            return f"{path} was changed since an earlier {self._work!r} wrote it"
        return None

    def _begin(self, names: Iterable[str]) -> None:
        for name in names:
            self._open.add(name)
            self._note(name, Entry(self._work, self._sources.get(name), None))

    def _finish(self, names: Iterable[str]) -> None:
        self._open.difference_update(names)
        for name in names:
            path = self.folder / name
            if path.exists():
                digest = digest_of(path)
                self._note(name, self._entries[name]._replace(digest=digest))
                untouched = self._former.get(name) == (digest, _state(path))
                if self.run is not None and not untouched:
                    self.run.hashed("outputs", path, digest)

    def _note(self, name: str, entry: Entry) -> None:
        self._entries[name] = entry
        append(self.folder, name, entry)


def _identity(path: Path) -> tuple[int, ...]:
    """The same for two names of one file; empty if there is no such file."""
    try:
        known = path.stat()
    except OSError:
        return ()
    return known.st_dev, known.st_ino


def _state(path: Path) -> tuple[int, ...]:
    """Identity and time of a file; it differs after the file was replaced."""
    return (*_identity(path), path.stat().st_mtime_ns) if path.exists() else ()
