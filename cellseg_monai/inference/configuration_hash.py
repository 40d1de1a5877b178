"""One short text for everything that a result depends on, so that parts of different runs are never mixed."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from torch import nn

_PLAIN = (type(None), bool, int, float, complex, str, bytes)


def configuration_hash(*values: Any) -> str:
    """Return a hash of values and objects. Equal options and weights give the same hash in every process.

    Objects are compared by class and attributes, networks by structure and weights, functions by name, and
    paths by their last part: where files lie makes no difference.

    Args:
        values: everything that the result depends on.

    Returns:
        16 hexadecimal digits.

    Example:
        >>> configuration_hash(1, "a") == configuration_hash(1, "a")
        True
        >>> configuration_hash(1, "a") == configuration_hash(1, "b")
        False
    """
    digest = hashlib.sha256()
    for piece in _pieces(values, []):
        digest.update(len(piece).to_bytes(8, "big"))
        digest.update(piece)
    return digest.hexdigest()[:16]


def _pieces(value: Any, parents: list[int]) -> Iterator[bytes]:
    if isinstance(value, _PLAIN):
        yield f"{type(value).__name__} {value!r}".encode()
        return
    if id(value) in parents:  # an object that contains itself
        yield b"parent"
        return
    yield _name(type(value)).encode()
    if isinstance(value, torch.Tensor):
        yield f"{value.dtype} {tuple(value.shape)}".encode()
        yield value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes()
    elif isinstance(value, PurePath):
        yield value.name.encode()
    elif isinstance(value, np.ndarray):
        yield f"{value.dtype} {value.shape}".encode()
        yield value.tobytes()
    else:
        for part in _parts(value):
            yield from _pieces(part, [*parents, id(value)])


def _parts(value: Any) -> Iterator[Any]:
    if isinstance(value, nn.Module):
        yield dict(value.state_dict())
        for path, part in value.named_modules():
            options = {name: option for name, option in vars(part).items() if name[0] != "_"}
            yield (path, _name(type(part)), part.extra_repr(), {**options, "training": None})
    elif isinstance(value, Mapping):
        yield from (part for key in sorted(value, key=str) for part in (key, value[key]))
    elif isinstance(value, list | tuple):
        yield from value
    elif isinstance(value, set | frozenset):
        yield from sorted(value, key=str)
    elif isinstance(value, partial):
        yield from (value.func, value.args, value.keywords)
    elif isinstance(value, type) or (isinstance(value, Callable) and hasattr(value, "__qualname__")):  # type: ignore[arg-type]
        yield _name(value)
    elif hasattr(value, "__dict__"):
        yield vars(value)
    else:
        yield re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"
