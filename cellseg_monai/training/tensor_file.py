"""Files of tensors that are written as a whole, and read only if they are undamaged."""

import zipfile
from pathlib import Path
from typing import Any

import torch

from cellseg_monai.outputs import written_whole
from cellseg_monai.training.plain import Plain


def write_tensors(content: Plain, path: Path) -> None:
    """Write tensors so that a reader sees either the old file or the new one.

    Args:
        content: tensors in plain containers, see :func:`~cellseg_monai.training.plain.as_plain`.
        path: file to write; its folder is created if necessary.
    """
    with written_whole(path) as part, part.open("wb") as file:  # torch rejects names that begin with a dot
        torch.save(content, file)


def read_tensors(path: Path) -> Any:
    """Read a file of ``torch.save`` onto the CPU, without executing code in the file.

    The file is a zip archive with a checksum for each part. PyTorch writes the checksums but does not verify
    them, so a flipped bit would be a wrong weight. This function verifies them.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is damaged, or contains more than tensors and plain containers.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: the file does not exist; check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:
        raise ValueError(
            f"{path}: damaged, or not written by torch.save ({error}); delete or replace it"
        ) from error
    if damaged is not None:
        raise ValueError(f"{path}: damaged, {damaged} does not match its checksum; delete or replace it")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(
            f"{path}: contains more than tensors in plain containers, and could execute code; save only "
            "network.state_dict()"
        ) from error
