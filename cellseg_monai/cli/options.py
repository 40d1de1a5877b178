"""Arguments that several verbs take, and how their text is read."""

import argparse
import ast
from pathlib import Path
from typing import Any

from cellseg_monai.cli.verbs import argument

_JSON_WORDS = {"true": True, "false": False, "null": None}


class Pairs(argparse.Action):
    """Collect the pairs of an option in a dictionary; those of a repeated option are added."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Add the pairs."""
        pairs = dict(values)
        if len(pairs) < len(values):
            raise ValueError(f"{option_string}: two values have the same name; give each a name of its own")
        setattr(namespace, self.dest, {**getattr(namespace, self.dest, {}), **pairs})


class PixelSize(argparse.Action):
    """One length, or one along x and one along y."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Store a number or a pair of them."""
        if len(values) > 2:
            raise ValueError(f"--pixel-size takes one length or two, along x and y, not {len(values)}")
        setattr(namespace, self.dest, values[0] if len(values) == 1 else tuple(values))


def setting(text: str) -> tuple[str, Any]:
    """Split ``id=value``; the value is written as in Python or JSON, or is text.

    Example:
        >>> setting("tta=true"), setting("classes={'0': 0}"), setting("loss=@losses#bce")
        (('tta', True), ('classes', {'0': 0}), ('loss', '@losses#bce'))
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=VALUE, such as max_epochs=30")
    return name, parsed(value)


def parsed(text: str) -> Any:
    """Value of a text that is written as in Python or JSON; otherwise the text itself."""
    try:
        return _JSON_WORDS[text] if text in _JSON_WORDS else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def bundle_folder(text: str) -> Path:
    """Find a bundle by its folder or its name."""
    from cellseg_monai.runtime import find_bundle

    return find_bundle(text)


def _class_of_value(text: str) -> tuple[str, int | str]:
    value, _, number = text.partition("=")
    if not (value.isdecimal() and (number.isdecimal() or number == "ignore")):
        raise argparse.ArgumentTypeError(f"{text!r} is not VALUE=CLASS, such as 255=2 or 0=ignore")
    return value, number if number == "ignore" else int(number)


SETTINGS = argument(
    "--set", dest="options", action=Pairs, type=setting, nargs="+", metavar="ID=VALUE",
    help="options of the bundle, such as threshold=0.4",
)  # fmt: skip
CLASSES = argument(
    "--classes", action=Pairs, type=_class_of_value, nargs="+", metavar="VALUE=CLASS",
    help="class of each mask value, such as 0=0 128=1 255=2, if the masks hold classes instead of objects; "
    "255=ignore leaves pixels out",
)  # fmt: skip
PIECES = argument("--pieces", action="store_true", help="count connected parts of a binary mask as objects")
FORCE = argument("--force", action="store_true", help="accept label maps that look like microscope images")
MODALITY = argument("--modality", metavar="PATTERN", help="regular expression for the modality in names")
PIXEL_SIZE = argument(
    "--pixel-size", action=PixelSize, type=float, nargs="+", metavar="UM",
    help="pixel size in micrometres, one value or x and y (default: from the files)",
)  # fmt: skip
WEIGHTS = argument("--weights", metavar="FILE", help="weights of the network (default: those of the bundle)")
TRUST = argument(
    "--trust", action="store_true", help="use the bundle without an audit: its author can run code"
)
MODEL = argument(
    "bundle",
    metavar="bundle-or-weights",
    help="folder or name of a bundle, a file of weights, or the folder of a training",
)
