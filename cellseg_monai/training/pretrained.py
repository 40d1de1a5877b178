"""Start a training from the weights of an earlier one."""

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
"""Prefix of all tensor names in files that earlier versions wrote when they trained at a scale."""


def load_pretrained(network: Network, path: str | PathLike[str], allow_mismatch: bool = False) -> Network:
    """Load a bare ``state_dict`` into a network; the file is only read.

    With ``strict_shape=False``, MONAI's ``CheckpointLoader`` silently skips tensors that do not fit. It does
    not detect damaged files.

    Args:
        network: network to load the weights into.
        path: file written by ``torch.save(network.state_dict(), path)``.
        allow_mismatch: load only the tensors that fit and log the others, for example for another number of
            classes.

    Returns:
        The network, so that one entry of a configuration can build and load it.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is damaged, is not a bare ``state_dict``, or has tensors that do not fit. With
            ``allow_mismatch``: no tensor fits.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/base.pt"
        >>> torch.save(torch.nn.Conv2d(1, 2, 3).state_dict(), path)
        >>> network = load_pretrained(torch.nn.Conv2d(1, 2, 3), path)
        >>> load_pretrained(torch.nn.Conv2d(1, 4, 3), path)
        Traceback (most recent call last):
        ...
        ValueError: /.../base.pt: belongs to another network: weight has shape (2, 1, 3, 3), not (4, 1, 3, 3),
        bias has shape (2,), not (4,); build the network of these weights, or set allow_mismatch=True
    """
    path = Path(path)
    state = network.state_dict()
    weights = own_names(state, read_weights(path))
    faults = mismatches(state, weights)
    fitting = {name: tensor for name, tensor in weights.items() if name not in faults}
    if faults and not (allow_mismatch and fitting):
        remedy = "no tensor fits" if allow_mismatch else "or set allow_mismatch=True"
        raise ValueError(
            f"{path}: belongs to another network: {summary(faults)}; "
            f"build the network of these weights, {remedy}"
        )
    network.load_state_dict(fitting, strict=not faults)
    logger.info("%s: %d of %d tensors loaded", path, len(fitting), len(state))
    for name, fault in faults.items():
        logger.warning("%s: %s %s; not loaded", path, name, fault)
    return network


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a bare ``state_dict``.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file is damaged or is not a bare ``state_dict``.
    """
    weights = read_tensors(path)
    named = weights if isinstance(weights, dict) else {}
    if not named or not all(isinstance(tensor, torch.Tensor) for tensor in named.values()):
        keys = ", ".join(map(str, list(named)[:5])) or "none"
        raise ValueError(f"{path}: not a bare state_dict (keys: {keys}); save only network.state_dict()")
    return named


def own_names(expected: Mapping[str, Any], weights: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return weights under the names that a network expects, without the prefix of earlier versions.

    Example:
        >>> own_names({"weight": 0}, {"network.weight": 1})
        {'weight': 1}
    """
    if weights and weights.keys() != expected.keys() and all(name.startswith(_OWN) for name in weights):
        bare = {name[len(_OWN) :]: tensor for name, tensor in weights.items()}
        return bare if bare.keys() & expected.keys() else weights
    return weights
