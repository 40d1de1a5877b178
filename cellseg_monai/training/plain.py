"""States as plain data, which ``torch.load(weights_only=True)`` can read."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

Plain = Any
"""Tensors, numbers, strings and None, in dictionaries, lists and tuples."""


def as_plain(value: Any, name: str = "state") -> Plain:
    """Copy to the CPU without classes: parameters become tensors, NumPy numbers become Python numbers.

    Args:
        value: state_dict, or part of one.
        name: name for error messages.

    Returns:
        A copy that does not change when training continues.

    Raises:
        TypeError: a part is neither a tensor nor plain data.

    Example:
        >>> as_plain({"best": np.float32(0.5), "bias": torch.nn.Parameter(torch.ones(2))})
        {'best': 0.5, 'bias': tensor([1., 1.])}
    """
    if isinstance(value, torch.Tensor):
        return value.detach().as_subclass(torch.Tensor).cpu().clone()
    if isinstance(value, np.generic):
        return value.item()
    if value is None or type(value) in (bool, int, float, complex, str):
        return value
    if isinstance(value, Counter):  # milestones of MultiStepLR
        return Counter(dict(value))
    if isinstance(value, Mapping):
        return {key: as_plain(part, f"{name}[{key!r}]") for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        parts = [as_plain(part, f"{name}[{index}]") for index, part in enumerate(value)]
        return tuple(parts) if isinstance(value, tuple) else parts
    raise TypeError(
        f"{name} is a {type(value).__qualname__}, which cannot be stored without code; use only tensors, "
        "numbers, strings, lists and dictionaries in a state_dict"
    )
