"""Uncertainty of a network from dropout that stays on during prediction (Monte-Carlo dropout)."""

import logging
from typing import Any, TypeVar

from torch import nn

logger = logging.getLogger(__name__)

Network = TypeVar("Network", bound=nn.Module)

_DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def with_dropout(network: Network, dropout: float = 0.0) -> Network:
    """Make the predictions of a network vary where it is uncertain.

    To choose the next image to annotate, MONAI Label sets ``dropout`` in the definition of a network, sets
    training mode, and measures how much the predictions vary. Training mode would also make batch
    normalisation use and update the statistics of a single image. With this function only dropout is on.
    Names and values of the weights do not change.

    Args:
        network: network to change. A warning is logged if it has no dropout layers.
        dropout: probability of all dropout layers; 0 leaves the network unchanged.

    Returns:
        The network.

    Raises:
        ValueError: the probability is not from 0 to below 1.

    Example:
        >>> import torch
        >>> layers = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.0))
        >>> _ = with_dropout(layers, 0.5).train()
        >>> logits = [layers(torch.ones(1, 1, 8, 8)) for _ in range(2)]
        >>> bool((logits[0] == logits[1]).all()), float(layers[0].running_mean)
        (False, 0.0)
    """
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout must be a probability from 0 to below 1, not {dropout}")
    if not dropout:
        return network
    layers = [module for module in network.modules() if isinstance(module, _DROPOUT)]
    if not layers:
        logger.warning(
            "%s has no dropout layer, so its predictions do not vary and show no uncertainty",
            type(network).__name__,
        )
    for layer in layers:
        layer.p = dropout
    network.register_forward_pre_hook(_leave_only_dropout_on)
    return network


def _leave_only_dropout_on(network: nn.Module, inputs: Any) -> None:
    for module in network.modules():
        if module is not network and not isinstance(module, _DROPOUT):
            module.training = False
