"""How the answer of a network becomes cells: values calibrated for its very weights, kept beside them.

A threshold that is right for one file of weights can spoil the cells of the next. So the file that holds it
names the weights by their hash, and other weights in their place are decoded by plain values.
"""

import json
import logging
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from cellseg_monai.outputs import write_text
from cellseg_monai.outputs.digest import digest_of

logger = logging.getLogger(__name__)

SUFFIX = ".decoding.json"


def kept_beside(weights: str | PathLike[str]) -> Path:
    """The file in which the decoding of weights is kept.

    Example:
        >>> kept_beside("models/model.pt").name
        'model.decoding.json'
    """
    return Path(weights).with_suffix(SUFFIX)


def keep_decoding(weights: str | PathLike[str], values: Mapping[str, Any]) -> Path:
    """Keep how weights are to be decoded, from now on.

    Args:
        weights: their file.
        values: of the decoding by id, such as ``{"threshold": 0.4}``.

    Returns:
        The file that was written.

    Raises:
        FileNotFoundError: there are no such weights.

    Example:
        >>> keep_decoding("nowhere/model.pt", {"threshold": 0.4})
        Traceback (most recent call last):
        ...
        FileNotFoundError: nowhere/model.pt: there are no such weights, to keep a decoding for
    """
    if not Path(weights).is_file():
        raise FileNotFoundError(f"{weights}: there are no such weights, to keep a decoding for")
    kept = kept_beside(weights)
    content = {"weights_sha256": digest_of(weights), "decoding": dict(values)}
    write_text(kept, json.dumps(content, indent=4) + "\n")
    return kept


def is_of(kept: Path, weights: Path) -> bool:
    """Whether a decoding that was kept is for the weights that are there now."""
    return bool(_read(kept)["weights_sha256"] == digest_of(weights))


def calibrated_decoding(weights: str | PathLike[str], otherwise: Mapping[str, Any]) -> dict[str, Any]:
    """The values to decode with: those kept for these weights, else the plain ones.

    Args:
        weights: file of the network's weights.
        otherwise: plain values of the decoding by id.

    Returns:
        A value for each id of ``otherwise``.

    Raises:
        ValueError: the file beside the weights is not what :func:`keep_decoding` writes.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     weights = Path(folder) / "model.pt"
        ...     _ = weights.write_bytes(b"some weights")
        ...     _ = keep_decoding(weights, {"threshold": 0.4})
        ...     before = calibrated_decoding(weights, {"threshold": 0.5, "min_size": 15})
        ...     _ = weights.write_bytes(b"others, of another training")
        ...     before, calibrated_decoding(weights, {"threshold": 0.5, "min_size": 15})
        ({'threshold': 0.4, 'min_size': 15}, {'threshold': 0.5, 'min_size': 15})
    """
    kept = kept_beside(weights)
    if not kept.is_file() or not Path(weights).is_file():
        return dict(otherwise)
    if not is_of(kept, Path(weights)):
        logger.warning(
            "%s was calibrated for other weights than %s; plain values are used. cellseg calibrate --keep "
            "chooses those of the weights that are there now",
            kept,
            weights,
        )
        return dict(otherwise)
    values = _read(kept)["decoding"]
    unknown = sorted(set(values) - set(otherwise))
    if unknown:
        raise ValueError(f"{kept}: it keeps {unknown[0]!r}, and can keep {', '.join(otherwise)}")
    return {**otherwise, **values}


def _read(kept: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(kept.read_text())
        return {name: content[name] for name in ("weights_sha256", "decoding")}
    except (ValueError, KeyError, TypeError) as fault:
        raise ValueError(
            f"{kept}: it holds no decoding ({fault!r}); delete it, or write it by cellseg calibrate --keep"
        ) from fault
