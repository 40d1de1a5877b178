"""``large_files.yml``: files that are published elsewhere, with address and hash."""

from pathlib import Path
from typing import Any

import yaml

from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.runtime.settings import WEIGHTS

LARGE_FILES = "large_files.yml"


def list_large_files(bundle: Path, url: str | None = None) -> Path | None:
    """Update the ``large_files.yml`` of a bundle with addresses and hashes of its files.

    ``python -m monai.bundle download_large_files`` downloads what is listed there, and the model zoo requires
    an address for each entry. A file in the bundle without an address is therefore not listed.

    Args:
        bundle: folder of the bundle with its weights.
        url: address of the published weights.

    Returns:
        Path of the file; None if no file has an address, and then ``large_files.yml`` is deleted.

    Raises:
        FileNotFoundError: If a listed file or the weights neither exist nor have an address.

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
    for entry in entries.values():
        path = bundle / entry["path"]
        if path.is_file():  # otherwise it is not downloaded, and the hash is that of its publisher
            entry |= {"hash_val": digest_of(path), "hash_type": "sha256"}
        elif "url" not in entry:
            raise FileNotFoundError(f"{path} is missing, and {LARGE_FILES} has no address for it")
    published = [entry for entry in entries.values() if "url" in entry]
    if not published:
        file.unlink(missing_ok=True)
        return None
    write_text(file, yaml.safe_dump({"large_files": published}, sort_keys=False))
    return file
