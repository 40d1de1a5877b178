"""Parts of a bundle as plain JSON, as in a configuration, and back."""

import functools
import inspect
import json
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any, TypeVar

from monai.transforms import MapTransform

Part = TypeVar("Part")

TARGET = "_target_"


def describe(part: Any) -> dict[str, Any]:
    """Describe a part by its class and arguments.

    Args:
        part: part that MONAI makes from ``"_mode_": "callable"``, that stores its arguments in ``options``,
            or that stores each argument in an attribute of the same name, as scikit-learn does.

    Raises:
        ValueError: an argument is not stored, or is not a plain value.

    Example:
        >>> from cellseg_monai.instances import Componentsd
        >>> describe(functools.partial(Componentsd, keys="pred", threshold=0.4))
        {'_target_': 'cellseg_monai.instances.Componentsd', 'keys': 'pred', 'threshold': 0.4}
    """
    kind, arguments = _class_and_arguments(part)
    nested = {
        name: describe(value) if isinstance(value, functools.partial | type) else value
        for name, value in arguments.items()
    }
    try:
        plain: dict[str, Any] = json.loads(json.dumps({TARGET: _public_name(kind)} | nested))
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}; use numbers, text, lists and dictionaries") from error
    return plain


def build(described: Mapping[str, Any], kind: type[Part]) -> Part:
    """Make a part from its description, which can only call classes of one kind.

    Args:
        described: class and arguments from :func:`describe`.
        kind: base class of the part, such as ``torch.nn.Module``.

    Raises:
        ValueError: there is no such class, or it is not of this kind.

    Example:
        >>> from torch import nn
        >>> build({"_target_": "torch.nn.Linear", "in_features": 1, "out_features": 2}, nn.Module)
        Linear(in_features=1, out_features=2, bias=True)
        >>> build({"_target_": "os.system", "command": "ls"}, nn.Module)
        Traceback (most recent call last):
        ...
        ValueError: os.system is not a class of the kind Module
    """
    arguments = dict(described)
    found = find_class(str(arguments.pop(TARGET, None)), kind)
    parts = {
        key: build(value, kind) if isinstance(value, Mapping) and TARGET in value else value
        for key, value in arguments.items()
    }
    return found(**parts)


def find_class(name: str, kind: type[Part]) -> type[Part]:
    """Import a class.

    Args:
        name: import path, such as ``torch.nn.Linear``.
        kind: base class.

    Raises:
        ValueError: there is no such class, or it is not of this kind.
    """
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"there is no {name} ({error}); install its package") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(f"{name} is not a class of the kind {kind.__name__}")
    return found


def _class_and_arguments(part: Any) -> tuple[type, dict[str, Any]]:
    if isinstance(part, functools.partial):
        if part.args:
            raise ValueError(f"{part.func.__name__}: give its arguments by name")
        return part.func, dict(part.keywords)  # type: ignore[return-value]
    if isinstance(part, type):
        return part, {}
    if isinstance(options := getattr(part, "options", None), Mapping):
        keys = {"keys": list(part.keys)} if isinstance(part, MapTransform) else {}
        return type(part), keys | dict(options)
    names = inspect.signature(type(part)).parameters
    if missing := [name for name in names if not hasattr(part, name)]:
        raise ValueError(
            f"{type(part).__name__} does not store its argument {missing[0]!r}; store it in an attribute of "
            'this name, or define the part with "_mode_": "callable"'
        )
    return type(part), {name: getattr(part, name) for name in names}


def _public_name(kind: type) -> str:
    """Return the shortest path from which the class can be imported."""
    parts = kind.__module__.split(".")
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        if getattr(sys.modules.get(module), kind.__name__, None) is kind and module != "__main__":
            return f"{module}.{kind.__name__}"
    raise ValueError(f"{kind.__name__} cannot be imported; move it into a module of its own")
