"""Where numbers come from: command, versions, machine, and hashes of data, bundle and weights."""

import hashlib
import json
import os
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from importlib import metadata
from os import PathLike
from pathlib import Path
from typing import Any

import torch

from cellseg_monai.outputs.digest import digest_of

_PACKAGES = ("cellseg-monai", "monai", "torch", "numpy", "scipy", "scikit-image")


def provenance(
    files: Mapping[str, Iterable[Path]],
    bundle: str | PathLike[str] | None = None,
    weights: str | PathLike[str] | None = None,
    training: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe a run.

    Args:
        files: what was read, by the part that it plays.
        bundle: folder or zip of the bundle that made the predictions.
        weights: file of its weights, if they are not in its folder.
        training: how they came about.

    Returns:
        What JSON can hold.

    Example:
        >>> sorted(provenance({}))
        ['command', 'created', 'data', 'hardware', 'versions']
    """
    described: dict[str, Any] = {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "data": {
            part: {"files": len(paths := list(those)), "sha256": hash_of(paths)}
            for part, those in files.items()
        },
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in _PACKAGES},
        "hardware": _hardware(),
    }
    if bundle is not None:
        described["bundle"] = describe_bundle(bundle)
    if weights is not None:
        path = Path(weights)
        described["weights"] = {"file": path.name, "sha256": digest_of(path)}
    if training is not None:
        described["training"] = dict(training)
    return described


def hash_of(files: Iterable[Path]) -> str:
    """SHA-256 over the SHA-256 of each file, in the order given, wherever the files lie.

    Example:
        >>> hash_of([])[:8]
        'e3b0c442'
    """
    total = hashlib.sha256()
    for path in files:
        total.update(bytes.fromhex(digest_of(path)))
    return total.hexdigest()


def describe_bundle(bundle: str | PathLike[str]) -> dict[str, Any]:
    """Name, version, seed and hashes of a bundle.

    Args:
        bundle: its folder or zip.

    Returns:
        For a folder the hash of its configurations and that of its weights, for a zip the hash of the file.

    Raises:
        FileNotFoundError: there is no bundle.
    """
    path = Path(bundle)
    if path.is_file():
        return {"name": path.name, "sha256": digest_of(path)}
    if not (path / "configs/metadata.json").is_file():
        raise FileNotFoundError(f"{path}: no bundle, as there is no configs/metadata.json in it")
    stated = json.loads((path / "configs/metadata.json").read_text())
    described = {
        "name": stated.get("name", path.resolve().name),
        "version": stated.get("version", ""),
        "configs_sha256": hash_of(sorted((path / "configs").glob("*.json"))),
    }
    for weights in sorted((path / "models").glob("model.*")):
        described[f"{weights.name}_sha256"] = digest_of(weights)
    training = path / "configs/train.json"
    if training.is_file():
        described["seed"] = json.loads(training.read_text()).get("seed")
    return described


def machine() -> str:
    """The processors and GPUs of this machine, in words.

    Example:
        >>> " processors" in machine()
        True
    """
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    models = re.findall(r"^model name\s*:\s*(.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    kind = f" ({models[0]})" if models else ""
    return f"{os.cpu_count() or 1} processors{kind}, {', '.join(gpus) or 'no GPU'}"


def _text(path: str) -> str:
    """Of a file that only some systems have."""
    return Path(path).read_text(errors="replace") if Path(path).is_file() else ""


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _hardware() -> dict[str, Any]:
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "system": platform.platform(),
        "processors": os.cpu_count() or 0,
        "gpus": ", ".join(gpus) or "none",
    }
