"""Settings of weights in a file beside them, so that inference needs no option of the training again.

``models/model.pt`` is a bare ``state_dict``, as MONAI expects. ``models/model.json`` contains its SHA-256,
the network and its arguments, the channels and the scale of the image, the target, and the decoding. Settings
that suit one file of weights are wrong for another, so settings of other weights are not used.
"""

import json
import logging
import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from cellseg_monai.outputs import StrPath, write_text
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.json_text import json_text
from cellseg_monai.runtime.described import describe
from cellseg_monai.runtime.options import typed_ids

logger = logging.getLogger(__name__)

WEIGHTS = Path("models/model.pt")
PARTS = ("network_def", "target", "decoding")
"""Settings that are parts rather than values."""

_DECODING_ALONE = ".decoding.json"
"""Suffix of a file that contains only the options of the decoding."""


def settings_beside(weights: StrPath) -> Path:
    """File of the settings of weights.

    Example:
        >>> settings_beside("models/model.pt").name
        'model.json'
    """
    return Path(weights).with_suffix(".json")


def keep_settings(weights: StrPath, *, bundle_root: StrPath | None = None, **settings: Any) -> Path:
    """Write settings beside weights; other settings of the same weights are kept.

    Args:
        weights: file of the weights.
        bundle_root: folder of the bundle that the weights were trained with.
        settings: values by id, and parts such as the network.

    Returns:
        The file that was written.

    Raises:
        FileNotFoundError: the file of the weights does not exist.
        ValueError: a part cannot be described as JSON.

    Example:
        >>> keep_settings("nowhere/model.pt", threshold=0.4)
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere/model.pt: there are no such weights to keep settings for
    """
    weights = Path(weights)
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: there are no such weights to keep settings for")
    file, digest = settings_beside(weights), digest_of(weights)
    former = _content(weights)
    if former.get("weights_sha256") != digest:
        former = {}
    kept = former.get("settings", {}) | {name: _described(name, value) for name, value in settings.items()}
    decoding = kept.get("decoding") or {}
    for name in decoding.keys() & kept.keys():  # an option with an id of its own is kept only there
        kept[name] = decoding.pop(name)
    bundle = former.get("bundle")
    if bundle_root is not None:
        bundle = Path(os.path.relpath(bundle_root, weights.parent)).as_posix()
    write_text(file, json_text({"weights_sha256": digest, "bundle": bundle, "settings": kept}))
    return file


def pass_on_settings(weights: StrPath, to: StrPath, bundle_root: StrPath) -> Path:
    """Write the settings of weights beside other weights that were made from them.

    Args:
        weights: file of the weights with settings.
        to: file of the other weights.
        bundle_root: folder of the bundle of the other weights.

    Returns:
        The file that was written.

    Raises:
        FileNotFoundError: a file of weights does not exist.
    """
    content = {
        "weights_sha256": digest_of(Path(to)),
        "bundle": Path(os.path.relpath(bundle_root, Path(to).parent)).as_posix(),
        "settings": kept_settings(Path(weights)),
    }
    file = settings_beside(to)
    write_text(file, json_text(content))
    return file


def settings_of(
    weights: StrPath | None,
    *,
    bundle_root: StrPath | None = None,
    given: Iterable[str] | None = None,
    **otherwise: Any,
) -> SimpleNamespace:
    """Return the settings that weights were trained with, or the given values where nothing is kept.

    Args:
        weights: file of the weights; None for those of the bundle.
        bundle_root: folder of the bundle.
        given: ids that the user gave, whose values override the kept ones; by default those on the command
            line of ``python -m monai.bundle run``.
        otherwise: value of each setting where nothing is kept.

    Returns:
        A namespace with the settings, and with the descriptions of ``network_def``, ``target`` and
        ``decoding``, each None if it is not kept.

    Raises:
        ValueError: the file beside the weights was not written by :func:`keep_settings`.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     weights = Path(folder) / "model.pt"
        ...     _ = weights.write_bytes(b"some weights")
        ...     _ = keep_settings(weights, scale=0.5)
        ...     before = settings_of(weights, scale=1.0, min_size=15)
        ...     _ = weights.write_bytes(b"others, of another training")
        ...     before.scale, before.min_size, settings_of(weights, scale=1.0).scale
        (0.5, 15, 1.0)
    """
    kept: dict[str, Any] = {}
    file = Path(bundle_root) / WEIGHTS if weights is None and bundle_root is not None else weights
    if file is not None and Path(file).is_file():
        kept = kept_settings(Path(file))
        known = {*otherwise, *PARTS}
        if unknown := sorted(kept.keys() - known):
            raise ValueError(
                f"{settings_beside(file)}: unknown setting {unknown[0]!r}; the settings are "
                f"{', '.join(sorted(known))}"
            )
    own = {re.split("#|::", name)[0] for name in (typed_ids() if given is None else given)}
    kept = {name: value for name, value in kept.items() if name not in own}
    return SimpleNamespace(**(dict.fromkeys(PARTS) | otherwise | kept))


def is_of(kept: Path, weights: Path) -> bool:
    """Whether a file contains the settings of exactly these weights."""
    return bool(_read(kept, "settings")["weights_sha256"] == digest_of(weights))


def kept_bundle(weights: StrPath) -> Path | None:
    """Folder of the bundle that weights were trained with; None if it is not kept."""
    bundle = _content(Path(weights)).get("bundle")
    return None if bundle is None else Path(os.path.normpath(Path(weights).parent / bundle))


def kept_settings(weights: Path) -> dict[str, Any]:
    """Settings of exactly these weights; empty, with a warning, if the file is for others."""
    content = _content(weights)
    if content and content["weights_sha256"] != digest_of(weights):
        logger.warning(
            "%s contains the settings of other weights than %s and is not used; train again, or choose the "
            "decoding by cellseg calibrate --keep",
            content["file"],
            weights,
        )
        return {}
    settings: dict[str, Any] = content.get("settings", {})
    return settings


def _described(name: str, value: Any) -> Any:
    if name != "network_def":
        return describe(value) if name in PARTS else value
    try:
        return value.architecture if hasattr(value, "architecture") else describe(value)
    except ValueError as error:
        logger.warning(
            "%s; the network is not kept with its weights: repeat --network_def with them, or define the "
            "network as the architecture of cellseg_monai.runtime.network_of",
            error,
        )
        return None


def _content(weights: Path) -> dict[str, Any]:
    """Content of the file beside weights, empty if there is no file."""
    files = {settings_beside(weights): "settings", weights.with_suffix(_DECODING_ALONE): "decoding"}
    return next((_read(file, key) for file, key in files.items() if file.is_file()), {})


def _read(file: Path, key: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        kept = {"weights_sha256": content["weights_sha256"], "bundle": content.get("bundle")}
        return kept | {"file": file, "settings": dict(content[key])}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{file}: not a file of settings of weights ({error!r}); delete it, or train again"
        ) from error
