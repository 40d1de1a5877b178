"""SHA-256 of a file or a folder; a file that has not changed is read once in a process."""

import hashlib
import time
from pathlib import Path
from threading import Event

from cellseg_monai.outputs.containment import StrPath

_CHUNK = 1 << 20
_SETTLED = 2 * 10**9
"""Age in nanoseconds of a change from which on a further change would have another time."""

_known: dict[tuple[int, ...], str] = {}


def digest_of(path: StrPath, stop: Event | None = None) -> str:
    """Hash the content of a file, or the names and contents of all files of a folder.

    Args:
        path: file or folder to hash.
        stop: event that ends the work early.

    Returns:
        64 hexadecimal digits; for a file the same as ``sha256sum`` prints.

    Raises:
        InterruptedError: the event is set.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cells.csv"
        >>> _ = path.write_text("label")
        >>> digest_of(path)[:8]
        '1aca80e8'
    """
    path = Path(path)
    total = hashlib.sha256()
    if path.is_dir():
        for child in sorted(path.rglob("*")):
            if child.is_file():
                total.update(f"{child.relative_to(path).as_posix()}\0{digest_of(child, stop)}\n".encode())
        return total.hexdigest()
    before = _state(path)
    if before in _known:
        return _known[before]
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if stop is not None and stop.is_set():
                raise InterruptedError(f"{path}: not hashed, as the run ends")
            total.update(chunk)
    digest = total.hexdigest()
    if time.time_ns() - before[-1] > _SETTLED and _state(path) == before:
        _known[before] = digest
    return digest


def _state(path: Path) -> tuple[int, ...]:
    """Identity, size and times of a file; the last is set by the system and cannot be chosen."""
    known = path.stat()
    return known.st_dev, known.st_ino, known.st_size, known.st_mtime_ns, known.st_ctime_ns
