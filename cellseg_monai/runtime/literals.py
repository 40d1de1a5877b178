"""Text that MONAI would read as something else, in a form that it reads as this text.

In every text of a configuration MONAI takes ``#`` for ``::``, the separator of ids: ``img #1.tif`` becomes
``img ::1.tif``.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SPECIAL = "#@%$"
_REFERENCES = ("$", "@", "%")


def literal(text: str) -> str:
    r"""The text itself where MONAI leaves it as it is; otherwise an expression for it.

    Example:
        >>> literal("img 1.tif"), literal("img #1.tif")
        ('img 1.tif', "$'img \\x231.tif'")
    """
    if "#" not in text and not text.startswith(_REFERENCES):
        return text
    quoted = repr(text)
    for character in _SPECIAL:
        quoted = quoted.replace(character, f"\\x{ord(character):02x}")
    return f"${quoted}"


def literal_options(options: Mapping[str, Any]) -> dict[str, Any]:
    r"""Options whose text and paths are literal, except for references and expressions.

    Example:
        >>> literal_options({"weights": "run #2/model.pt", "loss": "@losses#dice_ce", "scale": 0.5})
        {'weights': "$'run \\x232/model.pt'", 'loss': '@losses#dice_ce', 'scale': 0.5}
    """
    return {name: literal(str(value)) if _is_plain(value) else value for name, value in options.items()}


def _is_plain(value: Any) -> bool:
    return isinstance(value, Path) or (isinstance(value, str) and not value.startswith(_REFERENCES))
