"""Options that several verbs take."""

import argparse
import ast
from typing import Any


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


def setting(text: str) -> tuple[str, Any]:
    """``id=value``, the value as Python writes it, or else as text."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not ID=VALUE, such as max_epochs=30")
    try:
        return name, ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return name, value
