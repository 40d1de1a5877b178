"""Weights of an earlier training as the start of this one."""

import logging
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import torch

from cellseg_monai.training.mismatches import mismatches, summary
from cellseg_monai.training.tensor_file import read_tensors

logger = logging.getLogger(__name__)

Network = TypeVar("Network", bound=torch.nn.Module)

_OWN = "network."
"""Before the names of the tensors, in files of networks that earlier versions trained at a scale."""


def load_pretrained(network: Network, path: str | PathLike[str], allow_mismatch: bool = False) -> Network:
    """Load a bare ``state_dict`` into a network; the file is only read.

    MONAI's ``CheckpointLoader`` leaves out without a word what does not fit when told ``strict_shape=False``,
    and it does not see that a file is damaged.

    Args:
        network: is changed.
        path: file of ``torch.save(network.state_dict(), path)``.
        allow_mismatch: load the tensors that fit, and name the others in the log; for another number of
            classes.

    Returns:
        The network, so that a configuration can build and load it in one entry.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is damaged, no bare ``state_dict``, or has tensors that do not fit (with
            ``allow_mismatch``: none that does).

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/base.pt"
        >>> torch.save(torch.nn.Conv2d(1, 2, 3).state_dict(), path)
        >>> network = load_pretrained(torch.nn.Conv2d(1, 2, 3), path)
        >>> load_pretrained(torch.nn.Conv2d(1, 4, 3), path)
        Traceback (most recent call last):
        ...
        ValueError: /.../base.pt: is of another network: weight has shape (2, 1, 3, 3), not (4, 1, 3, 3), bias
        has shape (2,), not (4,); build the network it was trained with, or set allow_mismatch=True
    """
    path = Path(path)
    weights = read_tensors(path)
    if not isinstance(weights, dict) or not all(
        isinstance(value, torch.Tensor) for value in weights.values()
    ):
        found = (
            f"the keys {', '.join(map(str, list(weights)[:5]))}" if isinstance(weights, dict) else "no names"
        )
        raise ValueError(f"{path}: is no bare state_dict, it has {found}; save network.state_dict() alone")
    state = network.state_dict()
    weights = own_names(state, weights)
    faults = mismatches(state, weights)
    fitting = {name: tensor for name, tensor in weights.items() if name not in faults}
    if faults and not (allow_mismatch and fitting):
        remedy = "no tensor fits" if allow_mismatch else "or set allow_mismatch=True"
        raise ValueError(
            f"{path}: is of another network: {summary(faults)}; "
            f"build the network it was trained with, {remedy}"
        )
    network.load_state_dict(fitting, strict=not faults)
    logger.info("%s: %d of %d tensors loaded", path, len(fitting), len(state))
    for name, fault in faults.items():
        logger.warning("%s: %s %s; it was passed over", path, name, fault)
    return network


def own_names(expected: Mapping[str, Any], weights: Mapping[str, Any]) -> Mapping[str, Any]:
    """Weights under the names that a network expects, also those of a file of an earlier version.

    Example:
        >>> own_names({"weight": 0}, {"network.weight": 1})
        {'weight': 1}
    """
    if weights and weights.keys() != expected.keys() and all(name.startswith(_OWN) for name in weights):
        bare = {name[len(_OWN) :]: tensor for name, tensor in weights.items()}
        return bare if bare.keys() & expected.keys() else weights
    return weights
