"""Files of tensors: plain data only, written as a whole, and read only if undamaged."""

import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cellseg_monai.outputs import written_whole

Plain = Any
"""Tensors, numbers, strings and None, in dictionaries, lists and tuples."""


def as_plain(value: Any, name: str = "state") -> Plain:
    """Copy to the CPU without classes: parameters become tensors, NumPy numbers become Python numbers.

    Args:
        value: state_dict, or part of one.
        name: name for error messages.

    Returns:
        A copy that does not change when training continues.

    Raises:
        TypeError: a part is neither a tensor nor plain data.

    Example:
        >>> as_plain({"best": np.float32(0.5), "bias": torch.nn.Parameter(torch.ones(2))})
        {'best': 0.5, 'bias': tensor([1., 1.])}
    """
    if isinstance(value, torch.Tensor):
        return value.detach().as_subclass(torch.Tensor).cpu().clone()
    if isinstance(value, np.generic):
        return value.item()
    if value is None or type(value) in (bool, int, float, complex, str):
        return value
    if isinstance(value, Counter):  # milestones of MultiStepLR
        return Counter(dict(value))
    if isinstance(value, Mapping):
        return {key: as_plain(part, f"{name}[{key!r}]") for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [as_plain(part, f"{name}[{index}]") for index, part in enumerate(value)]
        return tuple(parts) if isinstance(value, tuple) else parts
    raise TypeError(
        f"{name} is a {type(value).__qualname__}, which cannot be stored without code; use only tensors, "
        "numbers, strings, lists and dictionaries in a state_dict"
    )


def write_tensors(content: Plain, path: Path) -> None:
    """Write tensors so that a reader sees either the old file or the new one.

    Args:
        content: tensors in plain containers, see :func:`as_plain`.
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
