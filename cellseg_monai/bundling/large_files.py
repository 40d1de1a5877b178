"""``large_files.yml``: what whoever publishes a bundle keeps outside of it, and how to know it again."""

from pathlib import Path
from typing import Any

import yaml

from cellseg_monai.bundling.check.network import WEIGHTS
from cellseg_monai.evaluation.provenance import hash_of_file

LARGE_FILES = "large_files.yml"


def list_large_files(bundle: Path, url: str | None = None) -> Path:
    """Write the hash of a bundle's weights, and where they can be had, into its ``large_files.yml``.

    ``python -m monai.bundle download_large_files`` fetches what is listed there, so it needs a ``url``;
    without one the entry tells how to know the file. What is listed already stays, with its true hash.

    Args:
        bundle: its folder, with the weights.
        url: of the weights, once they are published.

    Returns:
        The file.

    Raises:
        FileNotFoundError: a file that is listed without an address, or the weights, are not there.

    Example:
        >>> from tempfile import mkdtemp
        >>> bundle = Path(mkdtemp())
        >>> (bundle / "models").mkdir()
        >>> _ = (bundle / "models/model.pt").write_bytes(b"weights")
        >>> print(list_large_files(bundle).read_text())
        large_files:
        - path: models/model.pt
          hash_val: ...
          hash_type: sha256
        <BLANKLINE>
    """
    file = bundle / LARGE_FILES
    listed: list[dict[str, Any]] = yaml.safe_load(file.read_text())["large_files"] if file.is_file() else []
    entries = {entry["path"]: entry for entry in listed}
    weights = entries.setdefault(WEIGHTS.as_posix(), {"path": WEIGHTS.as_posix()})
    if url is not None:
        weights["url"] = url
    entries = {path: _with_hash(bundle, entry) for path, entry in entries.items()}
    file.write_text(yaml.safe_dump({"large_files": list(entries.values())}, sort_keys=False))
    return file


def _with_hash(bundle: Path, entry: dict[str, Any]) -> dict[str, Any]:
    path = bundle / entry["path"]
    if path.is_file():
        return {**entry, "hash_val": hash_of_file(path).hex(), "hash_type": "sha256"}
    if "url" not in entry:
        raise FileNotFoundError(f"{path} is missing, and {LARGE_FILES} does not tell where it can be had")
    return entry  # published, and not fetched: its hash is that of who published it
