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
    """The class of a part and the arguments it was made with.

    Args:
        part: what MONAI makes of ``"_mode_": "callable"``, a part that keeps its arguments in ``options``, or
            one that keeps each argument in an attribute of the same name, as in scikit-learn.

    Raises:
        ValueError: an argument is not kept, or is no plain value.

    Example:
        >>> from cellseg_monai.instances import Componentsd
        >>> describe(functools.partial(Componentsd, keys="pred", threshold=0.4))
        {'_target_': 'cellseg_monai.instances.Componentsd', 'keys': 'pred', 'threshold': 0.4}
    """
    kind, arguments = _taken_apart(part)
    described = {TARGET: _public_name(kind)} | {name: _plain(value) for name, value in arguments.items()}
    try:
        plain: dict[str, Any] = json.loads(json.dumps(described))
    except TypeError as error:
        raise ValueError(f"{kind.__name__}: {error}; give it numbers, text, lists and names alone") from error
    return plain


def build(described: Mapping[str, Any], kind: type[Part]) -> Part:
    """Make a part from its description. A description can only call classes of the kind.

    Args:
        described: class and arguments, as :func:`describe` gives them.
        kind: class of which the part must be, such as ``torch.nn.Module``.

    Raises:
        ValueError: there is no such class, or it is of another kind.

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
    """A class by its path.

    Args:
        name: path by which it is imported, such as ``torch.nn.Linear``.
        kind: class of which it must be a subclass.

    Raises:
        ValueError: there is no such class, or it is of another kind.
    """
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"there is no {name}; install the package that it is from ({error})") from error
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise ValueError(f"{name} is not a class of the kind {kind.__name__}")
    return found


def _taken_apart(part: Any) -> tuple[type, dict[str, Any]]:
    if isinstance(part, functools.partial):
        if part.args:
            raise ValueError(f"{part.func.__name__}: give its arguments by name")
        return part.func, dict(part.keywords)  # type: ignore[return-value]
    if isinstance(part, type):
        return part, {}
    options = getattr(part, "options", None)
    if isinstance(options, Mapping):
        keys = {"keys": list(part.keys)} if isinstance(part, MapTransform) else {}
        return type(part), keys | dict(options)
    arguments = {}
    for name in inspect.signature(type(part)).parameters:
        if not hasattr(part, name):
            raise ValueError(
                f"{type(part).__name__} does not keep its argument {name!r}; store it under this name, or "
                'define the part with "_mode_": "callable"'
            )
        arguments[name] = getattr(part, name)
    return type(part), arguments


def _plain(value: Any) -> Any:
    """Parts within parts, too."""
    return describe(value) if isinstance(value, functools.partial | type) else value


def _public_name(kind: type) -> str:
    """The shortest path by which the class can be imported."""
    parts = kind.__module__.split(".")
    for length in range(1, len(parts) + 1):
        module = ".".join(parts[:length])
        if getattr(sys.modules.get(module), kind.__name__, None) is kind and module != "__main__":
            return f"{module}.{kind.__name__}"
    raise ValueError(f"{kind.__name__} cannot be imported by others; move it into a module of its own")
