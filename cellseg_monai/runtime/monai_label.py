"""Functions for configurations that MONAI Label uses."""

import os
from collections.abc import Sequence
from typing import TypeVar

Value = TypeVar("Value")


def choices_of(chosen: Value, choices: Sequence[Value]) -> list[Value]:
    """Choices of a menu with the chosen one first, as MONAI Label shows a list.

    Example:
        >>> choices_of("closing", ["none", "opening", "closing"])
        ['closing', 'none', 'opening']
    """
    return [chosen, *(choice for choice in choices if choice != chosen)]


def chosen_of(menu: Value | Sequence[Value]) -> Value:
    """Choice of a request from a menu; the first one if the request does not choose.

    Example:
        >>> chosen_of(["none", "closing"]), chosen_of("closing")
        ('none', 'closing')
    """
    return menu[0] if isinstance(menu, list) else menu  # type: ignore[return-value]


def may_resume() -> bool:
    """Whether a training may continue an interrupted one; MONAI Label always starts a new training.

    Example:
        >>> may_resume()
        True
    """
    return "MONAI_LABEL_APP_DIR" not in os.environ
