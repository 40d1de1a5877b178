"""Rules of MONAI's model zoo and of MONAI Label on the files of a bundle."""

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
_LARGE_FILES = ("large_files.yml", "large_files.yaml", "large_files.json")


def check_rendered(bundle: Path) -> Iterator[Finding]:
    """What is committed must be what the sources render to."""
    for file in stale_configs(bundle):
        remedy = f"run: cellseg bundle render {bundle}"
        yield error("stale", str(file), "is not what the base and bundle.yaml render to", remedy)


def check_files(bundle: Path) -> Iterator[Finding]:
    """Files that the zoo asks for must be there, and not be empty."""
    for name in _REQUIRED:
        file = bundle / name
        if not file.exists():
            yield error("files", str(file), "the model zoo asks for it, and it is missing", "add it")
        elif file.is_file() and not file.stat().st_size:
            yield error("files", str(file), "the file is empty", "write it")


def check_name(bundle: Path) -> Iterator[Finding]:
    """MONAI Label guesses the task from the folder's name."""
    for word in _TASK_WORDS:
        if word in bundle.resolve().name.lower():
            message = f"MONAI Label takes a bundle with {word!r} in its name for another kind of task"
            yield error("name", str(bundle), message, "rename the folder")


def check_large_files(bundle: Path) -> Iterator[Finding]:
    """What is over 25 MB must be listed for download, within the bundle, with its true hash."""
    listed: dict[str, dict[str, Any]] = {}
    for source in (bundle / name for name in _LARGE_FILES if (bundle / name).is_file()):
        for entry in ConfigParser.load_config_file(source).get("large_files", []):
            missing = {"path", "url"} - set(entry)
            if missing:
                message = f"the entry {entry} lacks {', '.join(sorted(missing))}"
                yield error("large files", str(source), message, "complete it, or add the file")
                continue
            listed[str(PurePosixPath(entry["path"]))] = entry
            yield from _entry_findings(bundle, source, entry)
    for file in sorted(path for path in bundle.rglob("*") if path.is_file()):
        name = file.relative_to(bundle).as_posix()
        if file.stat().st_size > _LARGE and name not in listed:
            size = f"{file.stat().st_size / 1024**2:.0f} MB and in no {_LARGE_FILES[0]}"
            yield error("large files", str(file), size, "list its path, url, hash_val and hash_type there")


def _entry_findings(bundle: Path, source: Path, entry: dict[str, Any]) -> Iterator[Finding]:
    file = bundle / entry["path"]
    if not file.resolve().is_relative_to(bundle.resolve()):
        message = f"{entry['path']} lies outside the bundle"
        yield error("large files", str(source), message, "give a path below the bundle")
    elif entry.get("hash_val") and file.is_file():
        with file.open("rb") as content:
            digest = hashlib.new(entry.get("hash_type", "md5"), usedforsecurity=False)
            while block := content.read(1 << 20):
                digest.update(block)
        if digest.hexdigest() != entry["hash_val"]:
            message = f"{entry['path']} has the {digest.name} {digest.hexdigest()}, not {entry['hash_val']}"
            yield error("large files", str(source), message, "correct the hash, or fetch the file again")
