"""Options that several verbs take."""

import argparse
import ast
from typing import Any

_JSON_WORDS = {"true": True, "false": False, "null": None}


def add_settings(verb: argparse.ArgumentParser) -> None:
    """``--set``: values of the bundle's configurations."""
    verb.add_argument(
        "--set",
        dest="options",
        type=setting,
        nargs="+",
        default=[],
        metavar="ID=VALUE",
        help="options of the bundle, such as threshold=0.4",
    )


def add_classes(verb: argparse.ArgumentParser) -> None:
    """``--classes``: what the values of masks mean."""
    verb.add_argument(
        "--classes",
        type=_class_of_value,
        nargs="+",
        metavar="VALUE=CLASS",
        help="the masks hold classes and no objects, such as 0=0 128=1 255=2",
    )


def _class_of_value(text: str) -> tuple[str, int]:
    value, _, number = text.partition("=")
    if not (value.isdecimal() and number.isdecimal()):
        raise argparse.ArgumentTypeError(f"{text!r} is not VALUE=CLASS, such as 255=2")
    return value, int(number)


def setting(text: str) -> tuple[str, Any]:
    """``id=value``, the value as Python or JSON writes it, or else as text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=VALUE, such as max_epochs=30")
    if value in _JSON_WORDS:
        return name, _JSON_WORDS[value]
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
