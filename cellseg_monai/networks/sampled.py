"""How sure a network is: dropout that stays on while it predicts."""

import logging
from typing import Any, TypeVar

from torch import nn

logger = logging.getLogger(__name__)

Network = TypeVar("Network", bound=nn.Module)

_DROPOUT = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


def with_dropout(network: Network, dropout: float = 0.0) -> Network:
    """Make a network predict a little otherwise each time, more so where it is unsure (Monte-Carlo dropout).

    MONAI Label adds ``dropout`` to the definition of a network, puts the network into training mode and looks
    at how its predictions differ, to find the image that is worth annotating next. Put into training mode as
    a whole, batch normalisation would go by the one image at hand, and change its statistics with each; so
    here only dropout is on. Names and values of the weights stay.

    Args:
        network: with layers of dropout, which may be of probability 0; it is changed. One without any
            predicts the same each time, and the log says so.
        dropout: probability in all these layers; 0 leaves the network as it is.

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
        raise ValueError(f"dropout is a probability from 0 to below 1, not {dropout}")
    if not dropout:
        return network
    layers = [module for module in network.modules() if isinstance(module, _DROPOUT)]
    if not layers:
        logger.warning(
            "%s has no layer of dropout: its predictions will not differ, its uncertainty is that of one",
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
