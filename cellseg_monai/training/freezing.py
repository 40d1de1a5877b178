"""Freeze parts of a network during fine-tuning."""

import logging
from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

import torch
from ignite.engine import Engine, Events

logger = logging.getLogger(__name__)


def freeze(network: torch.nn.Module, patterns: Sequence[str]) -> list[str]:
    """Exclude parameters from training.

    Args:
        network: network to freeze.
        patterns: shell-style patterns of parameter names: ``"encoder.*"``, ``"*.norm?.weight"``.

    Returns:
        Names of the frozen parameters.

    Raises:
        ValueError: a pattern matches nothing, or nothing is left to train.

    Example:
        >>> network = torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.Conv2d(2, 1, 3))
        >>> freeze(network, ["0.*"])
        ['0.weight', '0.bias']
        >>> freeze(network, ["2.*"])
        Traceback (most recent call last):
        ...
        ValueError: the pattern '2.*' matches no parameter; similar names: 1.*, 0.*
    """
    parameters = {
        name: tensor
        for name, tensor in network.state_dict(keep_vars=True).items()
        if isinstance(tensor, torch.nn.Parameter)
    }
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in parameters):
            parts = [name.split(".") for name in parameters]
            modules = [f"{'.'.join(part[:end])}.*" for part in parts for end in range(1, len(part))]
            known = [*parameters, *dict.fromkeys(modules)]
            near = get_close_matches(pattern, known, cutoff=0.4) or known[:3]
            raise ValueError(
                f"the pattern {pattern!r} matches no parameter; similar names: {', '.join(near)}"
            )
    frozen = [name for name in parameters if any(fnmatchcase(name, pattern) for pattern in patterns)]
    if not any(tensor.requires_grad for name, tensor in parameters.items() if name not in frozen):
        raise ValueError(f"the patterns {list(patterns)} freeze every parameter; leave one to train")
    for name in frozen:
        parameters[name].requires_grad_(False)
        parameters[name].grad = None
    return frozen


class FreezeHandler:
    """Freeze parameters by name patterns, and the statistics of their batch normalisation.

    If all parameters of a normalisation layer are frozen, the layer uses its running mean and variance and
    does not update them, although MONAI's trainer sets training mode in each iteration. Otherwise the
    features of a frozen encoder would drift with the few new images. A layer with statistics but without
    parameters is frozen if all parameters of its parent module are.

    Args:
        network: network to freeze; it is changed immediately.
        patterns: shell-style patterns of parameter names, see :func:`freeze`.

    Raises:
        ValueError: a pattern matches nothing, or nothing is left to train.

    Example:
        >>> network = torch.nn.Sequential(torch.nn.BatchNorm2d(1), torch.nn.Conv2d(1, 1, 1))
        >>> handler = FreezeHandler(network, ["0.*"])
        >>> [name for name, tensor in network.named_parameters() if tensor.requires_grad]
        ['1.weight', '1.bias']
        >>> handler.norms == [network[0]]
        True
    """

    def __init__(self, network: torch.nn.Module, patterns: Sequence[str]) -> None:
        self.network = network
        names = freeze(network, patterns)
        logger.info("%d of %d parameters are frozen", len(names), sum(1 for _ in network.parameters()))
        self.norms = _frozen_norms(network)
        self._hook: Any = None

    def attach(self, engine: Engine) -> None:
        """Register with a trainer."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.COMPLETED, self.finish)

    def start(self, engine: Engine) -> None:
        """Keep the frozen layers in evaluation mode from now on."""
        if self._hook is None:  # a failed run does not remove its hook
            self._hook = self.network.register_forward_pre_hook(self._keep)

    def finish(self, engine: Engine) -> None:
        """Remove the hook, so that the network can be exported."""
        self._hook.remove()
        self._hook = None

    def _keep(self, network: torch.nn.Module, inputs: Any) -> None:
        for norm in self.norms:
            norm.eval()


def _frozen_norms(network: torch.nn.Module) -> list[torch.nn.Module]:
    """Return layers with running statistics whose own parameters, or else their parent's, are all frozen."""
    norms = []
    for parent in network.modules():
        for layer in parent.children():
            if getattr(layer, "running_mean", None) is not None:
                deciding = list(layer.parameters()) or list(parent.parameters())
                if deciding and not any(parameter.requires_grad for parameter in deciding):
                    norms.append(layer)
    return norms
