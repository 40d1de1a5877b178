"""Where a network with attention gates looks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import nn

from cellseg_monai.networks.blocks.additive_attention import AdditiveAttentionGate
from cellseg_monai.networks.blocks.grid_attention import GridAttentionGate
from cellseg_monai.networks.blocks.sizes import crop_to, resize_to

Gate = AdditiveAttentionGate | GridAttentionGate


def attention_maps(network: nn.Module, image: torch.Tensor) -> dict[str, torch.Tensor]:
    """Run a network once and collect what each of its attention gates lets pass.

    The network keeps nothing: the maps are read while it runs, in evaluation mode and without gradients, and
    the mode that it was in is restored.

    Args:
        network: any module with :class:`GridAttentionGate` or :class:`AdditiveAttentionGate` inside.
        image: what the network takes, of shape (batch, channels, height, width).

    Returns:
        For each gate that ran, by its path in the network, the weights from 0 to 1, of shape
        (batch, 1, height, width): enlarged to the image, ready to be drawn over it.

    Raises:
        ValueError: the network has no attention gate.

    Example:
        >>> from cellseg_monai.networks import PatchAttentionUNet
        >>> network = PatchAttentionUNet(2, in_channels=1, out_channels=1, channels=(8, 16, 32))
        >>> maps = attention_maps(network, torch.rand(1, 1, 30, 40))
        >>> {gate: tuple(weights.shape) for gate, weights in maps.items()}
        {'decoder.0.gate': (1, 1, 30, 40), 'decoder.1.gate': (1, 1, 30, 40)}
    """
    gates = {path: module for path, module in network.named_modules() if isinstance(module, Gate)}
    if not gates:
        raise ValueError(f"{type(network).__name__} has no attention gates, so there are no maps to show")
    maps: dict[str, torch.Tensor] = {}
    with ExitStack() as hooks, torch.no_grad(), _evaluating(network):
        for path, gate in gates.items():
            hook = gate.register_forward_hook(partial(_record, maps, path))
            hooks.callback(hook.remove)
        network(image)
    return {path: _enlarge(weights, image) for path, weights in maps.items()}


def _record(
    maps: dict[str, torch.Tensor],
    path: str,
    gate: Gate,
    inputs: tuple[torch.Tensor, torch.Tensor],
    _: torch.Tensor,
) -> None:
    maps[path] = gate.attention(*inputs)


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, and afterwards each part's own mode, as some may be frozen in evaluation."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _enlarge(weights: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Bring a map to the image's size: it was halved some times from the image and its padding."""
    enlarged = weights.shape[2:]
    while any(side < whole for side, whole in zip(enlarged, image.shape[2:], strict=True)):
        enlarged = torch.Size(2 * side for side in enlarged)
    return crop_to(resize_to(weights, weights.new_empty((1, 1, *enlarged))), image)
