"""Files and folders that are written completely or not at all, and disk errors in plain words."""

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path

from cellseg_monai.outputs.containment import StrPath

PART = ".cellseg-part-"
"""Prefix of files and folders that are being written; a result never has it."""

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
    """A result could not be written because of the disk.

    Example:
        >>> raise OutputError("cells.csv: not written: the disk is full")
        Traceback (most recent call last):
        ...
        cellseg_monai.outputs.whole.OutputError: cells.csv: not written: the disk is full
    """


@contextmanager
def written_whole(path: StrPath) -> Iterator[Path]:
    r"""Yield a temporary path beside the real one, and move what was written there into place at the end.

    At any time `path` has either its former content or the complete new one, even if the process is killed or
    the disk fills up. The temporary path has the same suffixes, since some writers depend on them. It may
    become a file or a folder. After an error nothing of it remains.

    Args:
        path: file or folder to write; parent folders are created.

    Yields:
        The temporary path.

    Raises:
        OutputError: the disk is full or read-only, or permission is denied.

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
        except BaseException as error:  # Ctrl-C as well
            # NumPy and PyTorch raise errors without a number when the disk is full.
            unnumbered = isinstance(error, Exception) and getattr(error, "errno", None) is None
            full = unnumbered and part.exists() and shutil.disk_usage(part.parent).free < 1 << 16
            remove(part)
            if full:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
            raise


@contextmanager
def in_plain_words(path: StrPath) -> Iterator[None]:
    """Turn disk errors into plain words.

    Args:
        path: file or folder that is being written.

    Raises:
        OutputError: the disk is full or read-only, or permission is denied.

    Example:
        >>> with in_plain_words("cells.csv"):
        ...     raise OSError(errno.EROFS, "Read-only file system")
        Traceback (most recent call last):
        ...
        cellseg_monai.outputs.whole.OutputError: cells.csv: not written: the file system is read-only; ...
    """
    try:
        yield
    except OutputError:
        raise
    except OSError as error:
        reason = _REASONS.get(error.errno or 0)
        if reason is None or not _concerns(error.filename, Path(path)):
            raise
        raise OutputError(f"{path}: not written: {reason}") from error


def make_folder(folder: StrPath) -> None:
    """Create a folder and its parents, with errors in plain words.

    Args:
        folder: folder to create; it may exist.

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


def write_text(path: StrPath, text: str) -> None:
    """Write a text file completely or not at all.

    Args:
        path: file to write; parent folders are created.
        text: content, stored as UTF-8.

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


def write_bytes(path: StrPath, content: bytes) -> None:
    """Write a binary file completely or not at all.

    Args:
        path: file to write; parent folders are created.
        content: content of the file.

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
    """Remove unfinished files and folders of killed processes.

    Args:
        paths: paths of the complete results; no other process may be writing them.

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


def _concerns(filename: object, path: Path) -> bool:
    """Whether an error is about the output, and not about a file that is read for it."""
    if not isinstance(filename, str | bytes | PathLike):
        return True
    named, output = (Path(os.path.abspath(each)) for each in (os.fsdecode(filename), path))
    parts = [each.name.startswith(PART) for each in (named, *named.parents)]
    return any(parts) or named in (output, *output.parents)


def _sync(path: Path) -> None:
    """Force a file, or all files of a folder that was just written, onto the disk."""
    if path.is_dir():
        for child in path.rglob("*") if path.name.startswith(PART) else ():
            if child.is_file():
                _sync(child)
        if os.name != "posix":  # other systems do not open folders
            return
    descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put(part: Path, path: Path) -> None:
    """Rename; a former folder is moved aside first, since no system renames over a folder."""
    if not path.is_dir() or path.is_symlink():
        part.replace(path)
        return
    former = path.with_name(f"{part.name}.former")
    path.rename(former)
    part.rename(path)
    shutil.rmtree(former)


def remove(path: Path) -> None:
    """Remove a file or a folder if it exists."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
