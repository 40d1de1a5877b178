"""Files and folders that are written whole or not at all, and errors of the disk in plain words."""

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

PART = ".cellseg-part-"
"""Begins the name of whatever is being written; nothing of such a name is a result."""

_REASONS = {
    errno.ENOSPC: "the disk is full; make room, or choose another output folder",
    errno.EDQUOT: "the quota of the disk is used up; make room, or choose another output folder",
    errno.EROFS: "the file system is read-only; choose another output folder",
    errno.EACCES: "no permission to write; change the permissions, or choose another output folder",
    errno.EPERM: "no permission to write; change the permissions, or choose another output folder",
    errno.ENOTDIR: "a file of that name is in the way; choose another output folder",
    errno.EEXIST: "a file of that name is in the way; choose another output folder",
    errno.ENAMETOOLONG: "the name is too long for this file system; shorten it",
}


class OutputError(OSError):
    """A result that could not be written, for a reason that lies with the disk and not with the result.

    Example:
        >>> raise OutputError("cells.csv: not written, the disk is full")
        Traceback (most recent call last):
        ...
        cellseg_monai.outputs.whole.OutputError: cells.csv: not written, the disk is full
    """


@contextmanager
def written_whole(path: str | PathLike[str]) -> Iterator[Path]:
    r"""Give a temporary path beside the real one, and put what was written there in place at the end.

    Whoever looks at `path` sees the former content or the complete new one, even if the process is killed or
    the disk fills up. The temporary path has the same suffixes, so that writers that go by them work. It may
    become a file or a folder. After an error nothing of it stays.

    Args:
        path: file or folder; parent folders are created.

    Yields:
        The temporary path.

    Raises:
        OutputError: the disk is full or read-only, or the permission is missing.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cells.csv"
        >>> with written_whole(path) as part:
        ...     _ = part.write_text("label\n1\n")
        ...     path.exists()
        False
        >>> path.read_text()
        'label\n1\n'
    """
    path = Path(path)
    part = path.with_name(f"{PART}{os.getpid()}-{path.name}")
    with in_plain_words(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield part
            _sync(part)
            _put(part, path)
            _sync(path.parent)
        except Exception as error:
            full = _is_unnamed(error) and part.exists() and _is_full(part.parent)
            remove(part)
            if full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise
        except BaseException:  # such as Ctrl-C
            remove(part)
            raise


@contextmanager
def in_plain_words(path: str | PathLike[str]) -> Iterator[None]:
    """Say why the disk refuses an output.

    Args:
        path: file or folder that is written.

    Raises:
        OutputError: the disk is full or read-only, or the permission is missing.

    Example:
        >>> with in_plain_words("cells.csv"):
        ...     raise OSError(errno.EROFS, "Read-only file system")
        Traceback (most recent call last):
        ...
        cellseg_monai.outputs.whole.OutputError: cells.csv: not written, the file system is read-only; ...
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0)
        if reason is None or not _concerns(error.filename, Path(path)):
            raise
        raise OutputError(f"{path}: not written, {reason}") from error


def make_folder(folder: str | PathLike[str]) -> None:
    """Create a folder and its parents; errors are in plain words.

    Args:
        folder: the folder; it may exist.

    Raises:
        OutputError: see :func:`written_whole`.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "day1/labels"
        >>> make_folder(folder)
        >>> folder.is_dir()
        True
    """
    with in_plain_words(folder):
        Path(folder).mkdir(parents=True, exist_ok=True)


def write_text(path: str | PathLike[str], text: str) -> None:
    """Write a text file whole or not at all.

    Args:
        path: the file; parent folders are created.
        text: content, written as UTF-8.

    Raises:
        OutputError: see :func:`written_whole`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "new/settings.json"
        >>> write_text(path, "{}")
        >>> path.read_text()
        '{}'
    """
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | PathLike[str], content: bytes) -> None:
    """Write a binary file whole or not at all.

    Args:
        path: the file; parent folders are created.
        content: content.

    Raises:
        OutputError: see :func:`written_whole`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cells.bin"
        >>> write_bytes(path, b"cells")
        >>> path.read_bytes()
        b'cells'
    """
    with written_whole(path) as part:
        part.write_bytes(content)


def remove_parts(paths: Iterable[Path]) -> None:
    """Remove what killed processes have left of unfinished files or folders.

    Args:
        paths: where the complete results belong; no other process may be writing them.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cells.csv"
        >>> _ = path.with_name(".cellseg-part-123-cells.csv").write_text("half")
        >>> remove_parts([path])
        >>> list(path.parent.iterdir())
        []
    """
    names = defaultdict(set)
    for path in paths:
        names[path.parent].add(path.name)
    for folder, expected in names.items():
        for part in folder.glob(f"{PART}*"):
            if part.name.removeprefix(PART).partition("-")[2] in expected:
                remove(part)


def _is_unnamed(error: Exception) -> bool:
    """NumPy and PyTorch raise errors without a number when the disk is full."""
    return not isinstance(error, OSError) or error.errno is None


def _concerns(filename: object, path: Path) -> bool:
    """Whether an error is about the output; it may be about a file that was read for it."""
    if not isinstance(filename, str | bytes | PathLike):
        return True
    named, output = (Path(os.path.abspath(each)) for each in (os.fsdecode(filename), path))
    parts = [each.name.startswith(PART) for each in (named, *named.parents)]
    return any(parts) or named in (output, *output.parents)


def _is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < 1 << 16


def _sync(path: Path) -> None:
    """Force a file, or all files of a folder that was just written, onto the disk."""
    if path.is_dir():
        for child in path.rglob("*") if path.name.startswith(PART) else ():
            if child.is_file():
                _sync(child)
        if os.name != "posix":  # elsewhere folders do not open
            return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put(part: Path, path: Path) -> None:
    """Rename; a folder that is replaced steps aside first, as no system renames over one."""
    if not path.is_dir() or path.is_symlink():
        part.replace(path)
        return
    former = path.with_name(f"{part.name}.former")
    path.rename(former)
    part.rename(path)
    shutil.rmtree(former)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
