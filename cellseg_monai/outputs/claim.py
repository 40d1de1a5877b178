"""Claims: a run writes new files, and those left by an earlier run of the same work, and nothing else."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cellseg_monai.outputs.claimed import Claim
from cellseg_monai.outputs.containment import StrPath
from cellseg_monai.outputs.journal import compact
from cellseg_monai.outputs.lock import locked
from cellseg_monai.outputs.run_record import Run


@contextmanager
def claim_outputs(
    folder: StrPath,
    work: str,
    targets: Iterable[str] = (),
    inputs: Iterable[StrPath] = (),
    *,
    sources: Mapping[str, str] | None = None,
    complete: bool = False,
    run: Run | None = None,
) -> Iterator[Claim]:
    r"""Make sure that a run overwrites nothing but the results of earlier runs of the same work.

    A hidden journal in the folder records which files were written, by what work, from which input, and their
    hashes. No other process may write into the folder while the run lasts.

    Args:
        folder: output folder; it is created.
        work: kind of work, such as ``"predict"``.
        targets: names of the files to write.
        inputs: files that the run reads.
        sources: input by target, for targets that are made from a single input.
        complete: whether the run writes all results of this work; other files of earlier runs are removed.
        run: record to write to ``run.json``. Within another claim of the same work and folder, inputs and
            files go into the record of that claim.

    Yields:
        The claim, which can be extended.

    Raises:
        ValueError: a name leads out of the folder.
        FileExistsError: a target is an input, or exists and was not written by an earlier run of this work,
            or was changed since. Nothing is written in this case.
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
    with locked(folder), ExitStack() as stack:
        compact(folder)
        claim = Claim(folder, work, inputs, stack)
        claim.add(targets, sources)
        if run is not None:
            claim.record(run)
        succeeded = False
        try:
            yield claim
            succeeded = True
        finally:
            claim.close(complete and succeeded)


def require_free(
    folder: StrPath, work: str, targets: Iterable[str], sources: Mapping[str, str] | None = None
) -> None:
    """Raise before long work begins if its results may not be written; nothing is written or locked.

    Args:
        folder: output folder, which need not exist.
        work: kind of work, such as ``"evaluate"``.
        targets: names of the files to write.
        sources: input by target, for targets that are made from a single input.

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
        FileExistsError: .../report.html exists, but is not the result of an earlier 'report' in ...
    """
    Claim(Path(folder), work).check(targets, sources or {})


@contextmanager
def claim_file(path: StrPath, work: str, inputs: Iterable[StrPath] = ()) -> Iterator[Path]:
    """Call :func:`claim_outputs` for a run that writes a single file.

    Args:
        path: file to write.
        work: kind of work, such as ``"report"``.
        inputs: files that the run reads.

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
