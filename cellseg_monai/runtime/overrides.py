"""Values by id, as on MONAI's command line, but unknown ids are errors and text stays as it is."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.utils import MERGE_KEY, merge_kv

REFERENCES = ("$", "@", "%")
"""First characters of expressions and references."""


def override(
    config: Mapping[str, Any], overrides: Mapping[str, Any], where: str, new_ids: Collection[str] = ()
) -> dict[str, Any]:
    """Replace values by id; ``+id`` adds to an existing list or dictionary.

    The values are merged as by MONAI's command. But MONAI adds unknown ids silently, and a mistyped
    ``max_epoch`` then has no effect; here it is an error.

    Args:
        config: configuration; it is not changed.
        overrides: new values by id, such as ``train#trainer#max_epochs`` or ``train#handlers#0``.
        where: file and section of the overrides, for messages.
        new_ids: ids that may be added.

    Returns:
        A new configuration.

    Raises:
        ValueError: an id is not in the configuration, or the value of ``+id`` has another type than the
            existing one.

    Example:
        >>> train = {"trainer": {"max_epochs": 100}}
        >>> override(train, {"trainer#max_epochs": 5}, "bundle.yaml, section train")
        {'trainer': {'max_epochs': 5}}
        >>> override(train, {"trainer#max_epoch": 5}, "bundle.yaml, section train")
        Traceback (most recent call last):
        ...
        ValueError: bundle.yaml, section train: there is no id 'trainer#max_epoch'; did you mean
        'trainer#max_epochs'? To add to a list or dictionary, override '+<its id>'
    """
    parser = ConfigParser(deepcopy(dict(config)))
    for path, value in overrides.items():
        place = path.removeprefix(MERGE_KEY)
        if place not in parser and path not in new_ids:
            raise ValueError(
                f"{where}: there is no id {place!r}{_hint(place, parser.get())} "
                f"To add to a list or dictionary, override '{MERGE_KEY}<its id>'"
            )
        try:
            merge_kv(parser, path, deepcopy(value))
        except ValueError as error:
            kind = type(parser[place]).__name__
            raise ValueError(
                f"{where}: {path!r} adds a {type(value).__name__} to a {kind}; "
                f"give another {kind}, or replace it by overriding {place!r}"
            ) from error
    merged: dict[str, Any] = parser.get()
    return merged


def literal(text: str | list[str]) -> Any:
    r"""Text, or each of several texts, in a form that MONAI reads as this text.

    MONAI reads ``#`` as ``::``, the separator of ids, in any text of a configuration: ``img #1.tif`` becomes
    ``img ::1.tif``. Such text becomes an expression.

    Example:
        >>> literal("img 1.tif"), literal("img #1.tif")
        ('img 1.tif', "$'img \\x231.tif'")
    """
    if isinstance(text, list):
        return [literal(each) for each in text]
    if "#" not in text and not text.startswith(REFERENCES):
        return text
    quoted = repr(text)
    for character in ("#", *REFERENCES):
        quoted = quoted.replace(character, f"\\x{ord(character):02x}")
    return f"${quoted}"


def literal_options(options: Mapping[str, Any]) -> dict[str, Any]:
    r"""Options with literal text and paths, except for references and expressions.

    Example:
        >>> literal_options({"weights": "run #2/model.pt", "loss": "@losses#dice_ce", "scale": 0.5})
        {'weights': "$'run \\x232/model.pt'", 'loss': '@losses#dice_ce', 'scale': 0.5}
    """
    return {
        name: literal(str(value)) if isinstance(value, Path) or is_text(value) else value
        for name, value in options.items()
    }


def is_text(value: Any) -> bool:
    """Whether a value is text, and not a reference or an expression.

    Example:
        >>> is_text("run #2/model.pt"), is_text("@losses#dice_ce")
        (True, False)
    """
    return isinstance(value, str) and not value.startswith(REFERENCES)


def _hint(place: str, config: Any) -> str:
    """Suggest the most similar ids among those with a similar last part."""
    known = list(_ids(config))
    leaf = place.rpartition("#")[2]
    alike = difflib.get_close_matches(leaf, {each.rpartition("#")[2] for each in known}, 3, 0.7)
    ending_alike = [each for each in known if each.rpartition("#")[2] in alike]
    close = difflib.get_close_matches(place, ending_alike, 2, 0.7)
    close = close or difflib.get_close_matches(place, ending_alike, 1, 0.0)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else "."


def _ids(config: Any, place: str = "") -> Iterator[str]:
    if isinstance(config, dict | list):
        for key, value in config.items() if isinstance(config, dict) else enumerate(config):
            child = f"{place}#{key}" if place else str(key)
            yield child
            yield from _ids(value, child)
