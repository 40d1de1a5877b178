"""Maps of the pixels that a network with attention gates looks at."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from cellseg_monai.networks.blocks.attention_gates import AdditiveAttentionGate, GridAttentionGate
from cellseg_monai.networks.blocks.sizes import crop_to, resize_to


def attention_maps(network: nn.Module, image: torch.Tensor) -> dict[str, torch.Tensor]:
    """Run a network once and return the weights of each of its attention gates.

    The network runs in evaluation mode and without gradients. Afterwards it is unchanged, in the mode that it
    was in before.

    Args:
        network: module that contains :class:`GridAttentionGate` or :class:`AdditiveAttentionGate`.
        image: input of the network, shape (batch, channels, height, width).

    Returns:
        Weights from 0 to 1 of each gate that ran, by its path in the network. They have the shape
        (batch, 1, height, width) of the image, ready for an overlay.

    Raises:
        ValueError: the network has no attention gate.

    Example:
        >>> from cellseg_monai.networks import PatchAttentionUNet
        >>> network = PatchAttentionUNet(2, in_channels=1, out_channels=1, channels=(8, 16, 32))
        >>> maps = attention_maps(network, torch.rand(1, 1, 30, 40))
        >>> {gate: tuple(weights.shape) for gate, weights in maps.items()}
        {'decoder.0.gate': (1, 1, 30, 40), 'decoder.1.gate': (1, 1, 30, 40)}
    """
    kinds = AdditiveAttentionGate | GridAttentionGate
    gates = {module: path for path, module in network.named_modules() if isinstance(module, kinds)}
    if not gates:
        raise ValueError(f"{type(network).__name__} has no attention gates, so it has no attention maps")
    maps: dict[str, torch.Tensor] = {}

    def record(gate: Any, inputs: tuple[torch.Tensor, ...], _: torch.Tensor) -> None:
        maps[gates[gate]] = gate.attention(*inputs)

    with ExitStack() as hooks, torch.no_grad(), _evaluating(network):
        for gate in gates:
            hooks.callback(gate.register_forward_hook(record).remove)
        network(image)
    return {path: _enlarge(weights, image) for path, weights in maps.items()}


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Set evaluation mode, then restore the mode of each module, since some may be frozen in evaluation."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _enlarge(weights: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Bring a map to the size of the image, of which it is a padded version halved several times."""
    enlarged = weights.shape[2:]
    while any(side < whole for side, whole in zip(enlarged, image.shape[2:], strict=True)):
        enlarged = torch.Size(2 * side for side in enlarged)
    return crop_to(resize_to(weights, weights.new_empty((1, 1, *enlarged))), image)
