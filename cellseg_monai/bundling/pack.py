"""A bundle as one zip: the same input gives the same bytes, and a manifest lists the hash of each file."""

import hashlib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cellseg_monai
from cellseg_monai.audit.keys import sign
from cellseg_monai.audit.manifest import MANIFEST, SIGNATURE
from cellseg_monai.bundling.check.weights import check_results, check_settings, check_weights
from cellseg_monai.bundling.render import stale_configs
from cellseg_monai.data.checks.finding import Severity
from cellseg_monai.outputs import claim_file, written_whole
from cellseg_monai.outputs.former import FORMER
from cellseg_monai.runtime.settings import WEIGHTS

_PARTS = ("LICENSE", "large_files.yml", "large_files.yaml", "large_files.json", "configs", "docs", "models")
_PACKAGE = Path(cellseg_monai.__file__).parent
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip can hold
_MODE = 0o100644 << 16


def pack_bundle(
    bundle: str | Path, destination: str | Path, vendor: bool = False, sign_with: str | Path | None = None
) -> Path:
    """Write ``<destination>/<name>.zip``, which unpacks to a folder ``<name>``.

    The zip contains licence, configurations, documentation and models, with the settings beside the weights.
    It does not contain data, results or the sources of the configurations. Order, times and permissions are
    fixed and nothing is compressed, so the bytes do not depend on clock, file system or version of zlib.

    Args:
        bundle: folder of the bundle.
        destination: folder for the zip; it is created if necessary.
        vendor: whether to include the package ``cellseg_monai``, for servers where it cannot be installed.
            ``monai.bundle run`` finds it there; for ``monai.bundle.load``, add the unpacked folder to
            ``PYTHONPATH``.
        sign_with: file of a private Ed25519 key; the zip then also contains a signature of the manifest.

    Returns:
        Path of the zip.

    Raises:
        FileNotFoundError: If the bundle, its weights or the key do not exist.
        ValueError: If the configurations are stale, the weights do not fit, the scores or settings belong to
            other weights, or there is a link in the bundle.

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
    added = {MANIFEST: manifest.encode()}
    if sign_with is not None:
        added[SIGNATURE] = sign(added[MANIFEST], sign_with)
    with (
        claim_file(Path(destination) / f"{name}.zip", "pack", files.values()) as target,
        written_whole(target) as part,
        zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive,
    ):
        for place, file in files.items():
            archive.writestr(_entry(f"{name}/{place}"), file.read_bytes())
        for place, content in added.items():
            archive.writestr(_entry(f"{name}/{place}"), content)
    return target


def _entry(place: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(place, _EPOCH)
    entry.create_system, entry.external_attr = 3, _MODE  # as on Unix, on every platform
    return entry


def _require_ready(bundle: Path) -> None:
    stale = stale_configs(bundle)
    if stale:
        raise ValueError(f"{stale[0]} is stale; run: cellseg bundle render {bundle}")
    if not (bundle / WEIGHTS).is_file():
        raise FileNotFoundError(f"{bundle / WEIGHTS} is missing; train the bundle before you pack it")
    for check in (check_weights, check_results, check_settings):
        for finding in check(bundle):
            if finding.severity is Severity.ERROR:
                raise ValueError(f"{finding.file}: {finding.message}; {finding.remedy}")


def _bundle_files(bundle: Path) -> Iterator[tuple[str, Path]]:
    """Place in the zip, and file; links are rejected, because they could lead out of the bundle."""
    for part in (bundle / name for name in _PARTS):
        for path in [part, *part.rglob("*")]:
            if path.is_symlink():
                raise ValueError(f"{path} is a link; replace it by the file itself")
            place = path.relative_to(bundle)
            hidden = any(name.startswith(".") or name == FORMER for name in place.parts)
            if path.is_file() and not hidden:
                yield place.as_posix(), path


def _package_files() -> Iterator[tuple[str, Path]]:
    for path in _PACKAGE.rglob("*"):
        if path.is_file() and not {"__pycache__", "_bundles"} & set(path.relative_to(_PACKAGE).parts):
            yield path.relative_to(_PACKAGE.parent).as_posix(), path
