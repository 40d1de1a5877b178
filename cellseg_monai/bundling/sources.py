"""The files that people write: ``bundles/<name>/bundle.yaml`` and ``bundles/_base/*.yaml``."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from monai.bundle import ConfigParser

SOURCE = "bundle.yaml"
"""File that a person edits: the overrides of one bundle."""

_LOST_NUMBER = re.compile(r"[-+]?[\d.]+[eE][-+]?\d+")


def find_bundles(folder: str | Path) -> list[Path]:
    """Find the bundles of a folder; a bundle itself is the only one.

    Args:
        folder: folder of bundles such as ``bundles``, or one bundle.

    Returns:
        Folders with a ``bundle.yaml``, sorted by name.

    Raises:
        FileNotFoundError: If there is no bundle.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     (Path(folder) / "my_bundle").mkdir()
        ...     _ = (Path(folder) / "my_bundle/bundle.yaml").write_text("train: {}")
        ...     [bundle.name for bundle in find_bundles(folder)]
        ['my_bundle']
    """
    folder = Path(folder)
    if (folder / SOURCE).is_file():
        return [folder]
    found = sorted(source.parent for source in folder.glob(f"*/{SOURCE}"))
    if not found:
        raise FileNotFoundError(f"{folder}: neither the folder nor a folder in it has a {SOURCE}")
    return found


def load_source(file: Path) -> dict[str, Any]:
    """Read a YAML file strictly; errors that YAML or MONAI would ignore are raised.

    Raises:
        FileNotFoundError: If the file is missing.
        ValueError: If the file is not YAML or is empty, or has a duplicate key or a number that YAML reads
            as text.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "train.yaml"
        ...     _ = file.write_text("learning_rate: 1.0e-3")
        ...     load_source(file)
        {'learning_rate': 0.001}
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file} is missing")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # MONAI only warns of a duplicate key
        try:
            content = ConfigParser.load_config_file(file)
        except (yaml.YAMLError, ValueError, UserWarning) as error:
            raise ValueError(f"{file}: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file}: it must hold ids and values, not {content!r}")
    for place, text in _texts(content):
        if _LOST_NUMBER.fullmatch(text):
            raise ValueError(
                f"{file}: YAML reads {place}: {text} as text, not as a number; write {float(text)!r} with a "
                "decimal point, or put it in quotes within an expression"
            )
    return content


def _texts(content: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """Every text with its id."""
    if isinstance(content, str):
        yield place, content
    elif isinstance(content, dict | list):
        for key, value in content.items() if isinstance(content, dict) else enumerate(content):
            yield from _texts(value, f"{place}#{key}" if place else str(key))
