"""Tensors on disk: written whole or not at all, and read only if every byte is as it was written."""

import zipfile
from pathlib import Path
from typing import Any

import torch

from cellseg_monai.outputs import written_whole
from cellseg_monai.training.plain import Plain


def write_tensors(content: Plain, path: Path) -> None:
    """Write tensors so that a reader sees the old file or the new one.

    Args:
        content: tensors in plain containers, see :func:`~cellseg_monai.training.plain.as_plain`.
        path: file; its folder is made if needed.
    """
    with written_whole(path) as part, part.open("wb") as file:  # torch takes no path that begins with a dot
        torch.save(content, file)


def read_tensors(path: Path) -> Any:
    """Read what ``torch.save`` wrote, onto the CPU, without running code of the file.

    A file of ``torch.save`` is a zip archive with a checksum for each of its parts. PyTorch writes these but
    does not look at them: a flipped bit is a wrong weight. Hence the look here.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, or holds more than tensors and plain containers.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file; check the path")
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
            f"{path}: holds other things than tensors in plain containers, and could run code; "
            "save a bare network.state_dict()"
        ) from error
