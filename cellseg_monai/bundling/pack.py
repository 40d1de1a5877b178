"""A bundle as one file: the same input gives the same bytes, and each content has its hash."""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cellseg_monai
from cellseg_monai.bundling.check.network import WEIGHTS, check_weights
from cellseg_monai.bundling.check.results import check_results, check_settings
from cellseg_monai.bundling.render import stale_configs
from cellseg_monai.data.checks.finding import Severity
from cellseg_monai.outputs import claim_file, written_whole
from cellseg_monai.outputs.former import FORMER

MANIFEST = "MANIFEST.sha256"
"""In the zip, as ``sha256sum --check`` reads it."""

_PARTS = ("LICENSE", "large_files.yml", "large_files.yaml", "large_files.json", "configs", "docs", "models")
_PACKAGE = Path(cellseg_monai.__file__).parent
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_MODE = 0o100644 << 16


def pack_bundle(bundle: str | Path, destination: str | Path, vendor: bool = False) -> Path:
    """Write ``<destination>/<name>.zip``, which unpacks to a folder ``<name>``.

    Licence, configurations, documentation and models go in; data, results and the sources of the
    configurations do not. Order, times and permissions are fixed and nothing is compressed, so that the bytes
    depend on no clock, file system or version of zlib.

    Args:
        bundle: folder of the bundle.
        destination: folder for the zip, made if need be.
        vendor: add the package ``cellseg_monai``, for servers where it cannot be installed. It is found there
            by ``monai.bundle run``; for ``monai.bundle.load`` put the unpacked folder on ``PYTHONPATH``.

    Returns:
        The zip.

    Raises:
        FileNotFoundError: there is no such bundle, or it has no weights.
        ValueError: its configurations are stale, its weights do not fit, its scores or its decoding are of
            other weights, or it has a link in it.

    Example:
        >>> pack_bundle("bundles/unknown", "dist")
        Traceback (most recent call last):
        ...
        FileNotFoundError: bundles/unknown/bundle.yaml is missing
    """
    bundle = Path(bundle)
    name = bundle.resolve().name
    _require_ready(bundle)
    files = dict(sorted([*_bundle_files(bundle), *(_package_files() if vendor else ())]))
    hashes = {place: hashlib.sha256(file.read_bytes()).hexdigest() for place, file in files.items()}
    manifest = "".join(f"{digest}  {place}\n" for place, digest in hashes.items())
    with (
        claim_file(Path(destination) / f"{name}.zip", "pack", files.values()) as target,
        written_whole(target) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
    ):
        for place, file in files.items():
            archive.writestr(_entry(f"{name}/{place}"), file.read_bytes())
        archive.writestr(_entry(f"{name}/{MANIFEST}"), manifest.encode())
    return target


def _entry(place: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(place, _EPOCH)
    entry.create_system, entry.external_attr = 3, _MODE  # as on Unix, wherever this runs
    return entry


def _require_ready(bundle: Path) -> None:
    stale = stale_configs(bundle)
    if stale:
        raise ValueError(f"{stale[0]} is stale; run: cellseg bundle render {bundle}")
    if not (bundle / WEIGHTS).is_file():
        raise FileNotFoundError(f"{bundle / WEIGHTS} is missing; train the bundle before it is packed")
    for check in (check_weights, check_results, check_settings):
        for finding in check(bundle):
            if finding.severity is Severity.ERROR:
                raise ValueError(f"{finding.file}: {finding.message}; {finding.remedy}")


def _bundle_files(bundle: Path) -> Iterator[tuple[str, Path]]:
    """Place in the zip, and file. A link could lead out of the bundle, on packing or on unpacking."""
    for part in (bundle / name for name in _PARTS):
        for path in [part, *part.rglob("*")]:
            if path.is_symlink():
                raise ValueError(f"{path} is a link; put the file itself there")
            place = path.relative_to(bundle)
            hidden = any(name.startswith(".") or name == FORMER for name in place.parts)
            if path.is_file() and not hidden:
                yield place.as_posix(), path


def _package_files() -> Iterator[tuple[str, Path]]:
    for path in _PACKAGE.rglob("*"):
        if path.is_file() and not {"__pycache__", "_bundles"} & set(path.relative_to(_PACKAGE).parts):
            yield (Path(_PACKAGE.name) / path.relative_to(_PACKAGE)).as_posix(), path
