"""Parts that the sources of a bundle choose from ``choices.yaml``, written out in its configurations."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

MACRO = "%"


def expanded(source: Any, choices: Mapping[str, Any], where: str) -> Any:
    """Replace each ``"%losses#dice_ce"`` by that part of the choices; a list inside a list joins it.

    A reader of the configuration then sees the part itself, and MONAI does not need to look it up.

    Args:
        source: section or file with ids and values.
        choices: parts to choose from.
        where: file and section, for messages.

    Raises:
        ValueError: If there is no such choice.

    Example:
        >>> choices = {"steps": {"turns": ["flip", "rotate"], "noise": ["noise"]}}
        >>> expanded({"augmentation": ["%steps#turns", "%steps#noise"]}, choices, "bundle.yaml")
        {'augmentation': ['flip', 'rotate', 'noise']}
    """
    if isinstance(source, Mapping):
        return {name: expanded(value, choices, where) for name, value in source.items()}
    if isinstance(source, list):
        joined = []
        for value in source:
            part = expanded(value, choices, where)
            joined += part if _is_choice(value) and isinstance(part, list) else [part]
        return joined
    return _chosen(source, choices, where) if _is_choice(source) else source


def _is_choice(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(MACRO)


def _chosen(macro: str, choices: Mapping[str, Any], where: str) -> Any:
    found: Any = choices
    for name in macro.removeprefix(MACRO).split("#"):
        if not isinstance(found, Mapping) or name not in found:
            known = ", ".join(found) if isinstance(found, Mapping) else "nothing"
            raise ValueError(f"{where}: {macro} is not one of the choices; {name!r} must be one of {known}")
        found = found[name]
    return deepcopy(found)
