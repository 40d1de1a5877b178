"""``large_files.yml``: what is published elsewhere than in the bundle, with its address and hash."""

from pathlib import Path
from typing import Any

import yaml

from cellseg_monai.bundling.check.network import WEIGHTS
from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.digest import digest_of

LARGE_FILES = "large_files.yml"


def list_large_files(bundle: Path, url: str | None = None) -> Path | None:
    """Bring the ``large_files.yml`` of a bundle up to date: addresses of files, and their true hashes.

    ``python -m monai.bundle download_large_files`` fetches what is listed there, and the model zoo wants an
    address of each entry. So a file that is part of the bundle and has none is not listed.

    Args:
        bundle: its folder, with the weights.
        url: of the weights, once they are published.

    Returns:
        The file; None, and no file, where nothing has an address.

    Raises:
        FileNotFoundError: a listed file, or the weights, are not there and have no address.

    Example:
        >>> from tempfile import mkdtemp
        >>> bundle = Path(mkdtemp())
        >>> (bundle / "models").mkdir()
        >>> _ = (bundle / "models/model.pt").write_bytes(b"weights")
        >>> list_large_files(bundle)
        >>> print(list_large_files(bundle, "https://example.org/model.pt").read_text())
        large_files:
        - path: models/model.pt
          url: https://example.org/model.pt
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
    published = [_with_hash(bundle, entry) for entry in entries.values() if _is_published(bundle, entry)]
    if not published:
        file.unlink(missing_ok=True)
        return None
    write_text(file, yaml.safe_dump({"large_files": published}, sort_keys=False))
    return file


def _is_published(bundle: Path, entry: dict[str, Any]) -> bool:
    path = bundle / entry["path"]
    if "url" not in entry and not path.is_file():
        raise FileNotFoundError(f"{path} is missing, and {LARGE_FILES} does not tell where it can be had")
    return "url" in entry


def _with_hash(bundle: Path, entry: dict[str, Any]) -> dict[str, Any]:
    path = bundle / entry["path"]
    if path.is_file():
        return {**entry, "hash_val": digest_of(path), "hash_type": "sha256"}
    return entry  # not fetched: its hash is that of who published it
