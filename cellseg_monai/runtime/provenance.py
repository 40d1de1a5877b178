"""Origin of scores: command, versions, machine, and hashes of data, bundle and weights."""

import hashlib
import json
import os
import platform
import re
import shlex
import sys
from collections.abc import Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from cellseg_monai.outputs import StrPath
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.run_record import versions


def provenance(
    files: Mapping[str, Iterable[Path]],
    bundle: StrPath | None = None,
    weights: StrPath | None = None,
    training: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe a run.

    Args:
        files: files that were read, by their part in the run.
        bundle: folder or zip of the bundle that made the predictions.
        weights: file of its weights, if they are not in its folder.
        training: details of the training.

    Returns:
        A description that can be stored as JSON.

    Example:
        >>> sorted(provenance({}))
        ['command', 'created', 'data', 'hardware', 'versions']
    """
    read = {part: list(paths) for part, paths in files.items()}
    described: dict[str, Any] = {
        "created": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "command": shlex.join(sys.argv),
        "data": {part: {"files": len(paths), "sha256": hash_of(paths)} for part, paths in read.items()},
        "versions": versions(),
        "hardware": {
            "system": platform.platform(),
            "processors": os.cpu_count() or 0,
            "gpus": ", ".join(_gpus()) or "none",
        },
    }
    if bundle is not None:
        described["bundle"] = describe_bundle(bundle)
    if weights is not None:
        described["weights"] = {"file": Path(weights).name, "sha256": digest_of(weights)}
    if training is not None:
        described["training"] = dict(training)
    return described


def hash_of(files: Iterable[Path]) -> str:
    """SHA-256 of the SHA-256 of each file, in the given order, independent of names and folders.

    Example:
        >>> hash_of([])[:8]
        'e3b0c442'
    """
    return hashlib.sha256(b"".join(bytes.fromhex(digest_of(path)) for path in files)).hexdigest()


def describe_bundle(bundle: StrPath) -> dict[str, Any]:
    """Describe a bundle by its name, version, seed and hashes.

    Args:
        bundle: folder or zip of the bundle.

    Returns:
        For a folder, the hashes of the configurations and of the weights; for a zip, the hash of the file.

    Raises:
        FileNotFoundError: the folder is not a bundle.
    """
    path = Path(bundle)
    if path.is_file():
        return {"name": path.name, "sha256": digest_of(path)}
    if not (path / "configs/metadata.json").is_file():
        raise FileNotFoundError(f"{path}: not a bundle, as there is no configs/metadata.json")
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
    """Processors and GPUs of this machine.

    Example:
        >>> " processors" in machine()
        True
    """
    file = Path("/proc/cpuinfo")  # on Linux
    text = file.read_text(errors="replace") if file.is_file() else ""
    models = re.findall(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    kind = f" ({models[0]})" if models else ""
    return f"{os.cpu_count() or 1} processors{kind}, {', '.join(_gpus()) or 'no GPU'}"


def default_device() -> str:
    """Name of the device that is used if none is given.

    Example:
        >>> default_device().split()[0] in ("cpu", "cuda:0")
        True
    """
    return f"cuda:0 ({_gpus()[0]})" if torch.cuda.is_available() else "cpu"


def _gpus() -> list[str]:
    return [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
