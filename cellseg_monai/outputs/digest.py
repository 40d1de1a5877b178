"""SHA-256 of a file or a folder."""

import hashlib
from pathlib import Path

from cellseg_monai.outputs.containment import StrPath

_CHUNK = 1 << 20


def digest_of(path: StrPath) -> str:
    """Hash the content of a file, or the names and contents of all files of a folder.

    Args:
        path: file or folder to hash.

    Returns:
        64 hexadecimal digits; for a file the same as ``sha256sum`` prints.

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
