"""What only MONAI Label needs of a configuration."""

import os
from collections.abc import Sequence
from typing import TypeVar

Value = TypeVar("Value")


def choices_of(chosen: Value, choices: Sequence[Value]) -> list[Value]:
    """The choices of a menu, the chosen one first, as MONAI Label shows a list.

    Example:
        >>> choices_of("closing", ["none", "opening", "closing"])
        ['closing', 'none', 'opening']
    """
    return [chosen, *(choice for choice in choices if choice != chosen)]


def chosen_of(menu: Value | Sequence[Value]) -> Value:
    """What a request chose from a menu; the first choice if the request left the menu alone.

    Example:
        >>> chosen_of(["none", "closing"]), chosen_of("closing")
        ('none', 'closing')
    """
    return menu[0] if isinstance(menu, list) else menu  # type: ignore[return-value]


def may_resume() -> bool:
    """Whether a training goes on where an earlier one stopped; each training of MONAI Label is a new one.

    Example:
        >>> may_resume()
        True
    """
    return "MONAI_LABEL_APP_DIR" not in os.environ
