"""The settings of weights, in a file beside them, so that inference needs no option of the training again.

``models/model.pt`` is a bare ``state_dict``, as MONAI expects it. ``models/model.json`` names it by its
SHA-256 and holds the network and its arguments, the channels and the scale of the image, the target, and how
the prediction is decoded. Settings that are right for one file of weights spoil the cells of the next, so
those of other weights are not used.
"""

import inspect
import json
import logging
import os
import re
from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

from monai.transforms import Transform

from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.digest import digest_of
from cellseg_monai.outputs.json_text import json_text
from cellseg_monai.runtime.described import TARGET, build, describe, find_class
from cellseg_monai.runtime.options import typed_ids

logger = logging.getLogger(__name__)

Part = TypeVar("Part")

WEIGHTS = Path("models/model.pt")
PARTS = ("network_def", "target", "decoding")
"""Settings that are parts rather than values."""

_DECODING_ALONE = ".decoding.json"
"""Suffix of the file of earlier versions, which held the values of the decoding."""


def settings_beside(weights: str | PathLike[str]) -> Path:
    """The file that holds the settings of weights.

    Example:
        >>> settings_beside("models/model.pt").name
        'model.json'
    """
    return Path(weights).with_suffix(".json")


def keep_settings(
    weights: str | PathLike[str], *, bundle_root: str | PathLike[str] | None = None, **settings: Any
) -> Path:
    """Write settings beside weights; those that are kept for the same weights already stay.

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
    file, sha256 = settings_beside(weights), digest_of(weights)
    content = _read(weights)
    if content.get("weights_sha256") != sha256:
        content = {}
    kept = {name: _described(name, value) for name, value in settings.items()}
    kept |= {name: value for name, value in content.get("settings", {}).items() if name not in kept}
    decoding = kept.get("decoding") or {}
    for name in decoding.keys() & kept.keys():  # what has an id of its own is kept under it, as it was used
        kept[name] = decoding.pop(name)
    content = {"weights_sha256": sha256, "bundle": content.get("bundle"), "settings": kept}
    if bundle_root is not None:
        content["bundle"] = Path(os.path.relpath(bundle_root, weights.parent)).as_posix()
    write_text(file, json_text(content))
    return file


def settings_of(
    weights: str | PathLike[str] | None,
    *,
    bundle_root: str | PathLike[str] | None = None,
    given: Iterable[str] | None = None,
    **otherwise: Any,
) -> SimpleNamespace:
    """The settings that weights were trained with; the given ones where nothing is kept beside the weights.

    Args:
        weights: file of the weights; None for those of the bundle, or for none.
        bundle_root: folder of the bundle.
        given: ids that the user gave, and which count in place of what is kept; by default those of
            ``python -m monai.bundle run``.
        otherwise: value of each setting where nothing is kept.

    Returns:
        A namespace with the settings, and the descriptions of ``network_def``, ``target`` and ``decoding``,
        or None for each that is not kept.

    Raises:
        ValueError: the file beside the weights is not what :func:`keep_settings` writes.

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
        kept = kept_settings(file)
        known = {*otherwise, *PARTS}
        unknown = sorted(kept.keys() - known)
        if unknown:
            raise ValueError(
                f"{settings_beside(file)}: it keeps {unknown[0]!r}, and can keep {', '.join(sorted(known))}"
            )
    own = {re.split("#|::", name)[0] for name in (typed_ids() if given is None else given)}
    kept = {name: value for name, value in kept.items() if name not in own}
    return SimpleNamespace(**(dict.fromkeys(PARTS) | otherwise | kept))


def kept_settings(weights: str | PathLike[str]) -> dict[str, Any]:
    """What is kept for exactly these weights; empty, with a warning, if it is for others.

    Raises:
        ValueError: the file beside the weights is not what :func:`keep_settings` writes.
    """
    content = _read(Path(weights))
    if content and content["weights_sha256"] != digest_of(weights):
        logger.warning(
            "%s holds the settings of other weights than %s and is not used; train again, or choose the "
            "decoding by cellseg calibrate --keep",
            content["file"],
            weights,
        )
        return {}
    settings: dict[str, Any] = content.get("settings", {})
    return settings


def is_of(kept: Path, weights: Path) -> bool:
    """Whether settings are those of the weights that are there now."""
    return bool(_content(kept, "settings")["weights_sha256"] == digest_of(weights))


def kept_bundle(weights: str | PathLike[str]) -> Path | None:
    """Folder of the bundle that weights were trained with, if it is kept beside them."""
    bundle = _read(Path(weights)).get("bundle")
    return None if bundle is None else Path(os.path.normpath(Path(weights).parent / bundle))


def as_trained(part: Callable[..., Part], settings: SimpleNamespace, name: str) -> Part:
    """The target or the decoding that weights were trained with; the given one if none is kept for them.

    Args:
        part: class with the arguments of the configuration, as MONAI makes it of ``"_mode_": "callable"``.
            They count in place of those kept, where the class that is kept has them.
        settings: settings of the weights.
        name: ``"target"`` or ``"decoding"``.

    Example:
        >>> from functools import partial
        >>> from cellseg_monai.instances import Componentsd, WatershedFromDistanced
        >>> settings = SimpleNamespace(decoding=describe(partial(Componentsd, keys="pred", max_hole=9)))
        >>> trained = as_trained(partial(WatershedFromDistanced, threshold=0.7), settings, "decoding")
        >>> type(trained).__name__, trained.options["threshold"], trained.options["max_hole"]
        ('Componentsd', 0.7, 9)
    """
    kept = getattr(settings, name)
    if kept is None:
        return part()
    accepted = inspect.signature(find_class(kept[TARGET], Transform)).parameters
    mine = {key: value for key, value in describe(part).items() if key in accepted}
    trained: Part = build(kept | mine, Transform)
    return trained


def _described(name: str, value: Any) -> Any:
    if name != "network_def":
        return describe(value) if name in PARTS else value
    try:
        return value.architecture if hasattr(value, "architecture") else describe(value)
    except ValueError as error:
        logger.warning(
            "%s; its weights keep no network: repeat --network_def with them, or define the network as the "
            "architecture of cellseg_monai.runtime.network_of",
            error,
        )
        return None


def _read(weights: Path) -> dict[str, Any]:
    """The content of the file beside weights, empty if there is none."""
    for file, key in (
        (settings_beside(weights), "settings"),
        (weights.with_suffix(_DECODING_ALONE), "decoding"),
    ):
        if file.is_file():
            return _content(file, key)
    return {}


def _content(file: Path, key: str) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        return {
            "file": file,
            "weights_sha256": content["weights_sha256"],
            "bundle": content.get("bundle"),
            "settings": dict(content[key]),
        }
    except (ValueError, KeyError, TypeError) as fault:
        raise ValueError(
            f"{file}: it holds no settings of weights ({fault!r}); delete it, or train again"
        ) from fault
