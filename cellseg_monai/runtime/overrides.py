"""Overrides by id, as on MONAI's command line, but an id that is not there is an error."""

import difflib
from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from typing import Any

from monai.bundle import ConfigParser
from monai.bundle.utils import MERGE_KEY, merge_kv


def override(
    config: Mapping[str, Any], overrides: Mapping[str, Any], where: str, new_ids: Collection[str] = ()
) -> dict[str, Any]:
    """Replace values by id; ``+id`` adds to the list or dictionary that is there.

    MONAI merges, so the result is what its command line would make. But MONAI adds an id that it does not
    know in silence, and a mistyped ``max_epoch`` then has no effect; here it is an error.

    Args:
        config: what is changed; it is left as it is.
        overrides: ids such as ``train#trainer#max_epochs`` or ``train#handlers#0`` and their new values.
        where: file and section of the overrides, for messages.
        new_ids: ids that may be added.

    Returns:
        A new configuration.

    Raises:
        ValueError: an id is not in the configuration, or ``+id`` is of another kind than what is there.

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


def _hint(place: str, config: Any) -> str:
    """Ids that look alike, or end alike."""
    known = list(_ids(config))
    leaf = place.rpartition("#")[2]
    alike = difflib.get_close_matches(leaf, {each.rpartition("#")[2] for each in known}, 3, 0.7)
    ending_alike = [each for each in known if each.rpartition("#")[2] in alike]
    close = difflib.get_close_matches(place, ending_alike, 2, 0.7)
    close = close or [each for each in known if each.rpartition("#")[2] == leaf][:3]
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else "."


def _ids(config: Any, place: str = "") -> Iterator[str]:
    if isinstance(config, dict | list):
        for key, value in config.items() if isinstance(config, dict) else enumerate(config):
            child = f"{place}#{key}" if place else str(key)
            yield child
            yield from _ids(value, child)
