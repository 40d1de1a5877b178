"""The SHA-256 of a file or of a folder."""

import hashlib
from os import PathLike
from pathlib import Path

_CHUNK = 1 << 20


def digest_of(path: str | PathLike[str]) -> str:
    """Hash the content of a file, or the names and contents of all files of a folder.

    Args:
        path: file or folder.

    Returns:
        64 hexadecimal digits; of a file the same as ``sha256sum`` prints.

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
                total.update(f"{child.relative_to(path).as_posix()}\0{digest_of(child)}\n".encode())
        return total.hexdigest()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()
