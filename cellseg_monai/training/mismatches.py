"""Differences between two sets of named tensors, for errors when weights are loaded."""

from collections.abc import Mapping

from torch import Tensor

_SHOWN = 5


def mismatches(expected: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> dict[str, str]:
    """Compare the tensors of a file with those that a network expects.

    Args:
        expected: tensors of the network.
        given: tensors of the file.

    Returns:
        Fault of each tensor that does not fit, by name.

    Example:
        >>> import torch
        >>> mismatches({"a": torch.ones(2), "b": torch.ones(1)}, {"a": torch.ones(3), "c": torch.ones(1)})
        {'a': 'has shape (3,), not (2,)', 'b': 'is missing', 'c': 'is unknown to the network'}
    """
    faults = {}
    for name, tensor in expected.items():
        if name not in given:
            faults[name] = "is missing"
        elif given[name].shape != tensor.shape:
            faults[name] = f"has shape {tuple(given[name].shape)}, not {tuple(tensor.shape)}"
    return faults | {name: "is unknown to the network" for name in given if name not in expected}


def summary(faults: Mapping[str, str]) -> str:
    """Return the first faults, and the number of further ones.

    Example:
        >>> summary({"a": "is missing"})
        'a is missing'
    """
    words = [f"{name} {fault}" for name, fault in list(faults.items())[:_SHOWN]]
    more = [f"{len(faults) - _SHOWN} more"] if len(faults) > _SHOWN else []
    return ", ".join(words + more)
