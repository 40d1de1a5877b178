"""JSON and YAML as plain data, read so that no text means one thing here and another to MONAI."""

import json
from typing import Any

import yaml

MOST_BYTES = 64 * 1024**2
_MOST_ALIASES = 100


class NotPlain(ValueError):
    """A text is not JSON or YAML of plain data."""


def read_plain(text: bytes, name: str) -> Any:
    """Read JSON, or YAML without tags.

    Args:
        text: content of the file.
        name: name of the file; its ending decides as it does for MONAI.

    Raises:
        NotPlain: the text is damaged, ambiguous, or more than plain data.

    Example:
        >>> read_plain(b"loss: 1", "a.yaml")
        {'loss': 1}
        >>> read_plain(b"!!python/object/apply:os.system [ls]", "a.yaml")
        Traceback (most recent call last):
        ...
        cellseg_monai.audit.texts.NotPlain: a tag, !!python/object/apply:os.system, on line 1
    """
    try:
        decoded = text.decode("utf-8")
        if name.lower().endswith(".json"):
            return json.loads(decoded, object_pairs_hook=_once)
        return _yaml(decoded)
    except NotPlain:
        raise
    except (ValueError, yaml.YAMLError, RecursionError, MemoryError) as error:
        raise NotPlain(f"it cannot be read ({type(error).__name__}: {str(error).splitlines()[0]})") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise NotPlain(f"two entries are named {twice!r}")
    return content


def _yaml(text: str) -> Any:
    aliases = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        tag, mark = getattr(event, "tag", None), event.start_mark
        if tag is not None:
            raise NotPlain(f"a tag, {_short(tag)}, on line {mark.line + 1 if mark else '?'}")
        aliases += isinstance(event, yaml.AliasEvent)
    if aliases > _MOST_ALIASES:
        raise NotPlain(f"more than {_MOST_ALIASES} aliases, which can repeat each other without end")
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    _require_once(node, set(), set())
    return None if node is None else loader.construct_document(node)


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _require_once(node: Any, above: set[int], done: set[int]) -> None:
    if id(node) in above:
        raise NotPlain("an entry that contains itself")
    if id(node) in done:
        return
    children = []
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := {name for name in names if names.count(name) > 1}:
            raise NotPlain(f"two entries are named {min(twice)!r}")
        children = [part for pair in node.value for part in pair]
    elif isinstance(node, yaml.SequenceNode):
        children = node.value
    for child in children:
        _require_once(child, above | {id(node)}, done)
    done.add(id(node))
