"""Rules of MONAI's model zoo and of MONAI Label for the files of a bundle."""

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from monai.bundle import ConfigParser

from cellseg_monai.bundling.render import stale_configs
from cellseg_monai.data.checks.finding import Finding, error

_REQUIRED = (
    "LICENSE", "configs/metadata.json", "configs/train.json", "configs/inference.json",
    "configs/logging.conf", "docs/README.md", "models",
)  # fmt: skip
_TASK_WORDS = ("detection", "classification", "deepedit", "deepgrow")
_LARGE = 25 * 1024**2
_TRAINING = "training"
"""Folder of the trainings of a bundle, which are not published with it."""

_LARGE_FILES = ("large_files.yml", "large_files.yaml", "large_files.json")


def check_stale(bundle: Path) -> Iterator[Finding]:
    """Check that the rendered files match their sources."""
    for file in stale_configs(bundle):
        remedy = f"run: cellseg bundle render {bundle}"
        yield error("stale", str(file), "differs from what its sources render to", remedy)


def check_files(bundle: Path) -> Iterator[Finding]:
    """Check that the files that the zoo requires exist and are not empty."""
    for file in (bundle / name for name in _REQUIRED):
        if not file.exists():
            yield error("files", str(file), "missing, but required by the model zoo", "add it")
        elif file.is_file() and not file.stat().st_size:
            yield error("files", str(file), "the file is empty", "write it")


def check_name(bundle: Path) -> Iterator[Finding]:
    """Check the folder name, from which MONAI Label guesses the task."""
    for word in _TASK_WORDS:
        if word in bundle.resolve().name.lower():
            message = f"MONAI Label guesses another task from {word!r} in the name"
            yield error("name", str(bundle), message, "rename the folder")


def check_large_files(bundle: Path) -> Iterator[Finding]:
    """Check that files over 25 MB are listed for download, inside the bundle and with the right hash."""
    listed = set()
    for source in (bundle / name for name in _LARGE_FILES if (bundle / name).is_file()):
        for entry in ConfigParser.load_config_file(source).get("large_files", []):
            missing = {"path", "url"} - set(entry)
            if missing:
                message = f"the entry {entry} lacks {', '.join(sorted(missing))}"
                yield error("large files", str(source), message, "complete it, or add the file")
                continue
            listed.add(str(PurePosixPath(entry["path"])))
            yield from _entry_findings(bundle, source, entry)
    for file in sorted(path for path in bundle.rglob("*") if path.is_file()):
        size, place = file.stat().st_size, file.relative_to(bundle)
        if size > _LARGE and place.as_posix() not in listed and place.parts[0] != _TRAINING:
            message = f"{size / 1024**2:.0f} MB, but not listed in {_LARGE_FILES[0]}"
            yield error("large files", str(file), message, "list its path, url, hash_val and hash_type there")


def _entry_findings(bundle: Path, source: Path, entry: dict[str, Any]) -> Iterator[Finding]:
    file = bundle / entry["path"]
    if not file.resolve().is_relative_to(bundle.resolve()):
        message = f"{entry['path']} is outside the bundle"
        yield error("large files", str(source), message, "give a path inside the bundle")
    elif entry.get("hash_val") and file.is_file():
        digest = hashlib.new(entry.get("hash_type", "md5"), file.read_bytes(), usedforsecurity=False)
        if digest.hexdigest() != entry["hash_val"]:
            message = f"{entry['path']} has the {digest.name} {digest.hexdigest()}, not {entry['hash_val']}"
            yield error("large files", str(source), message, "correct the hash, or download the file again")
