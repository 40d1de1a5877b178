"""Run a network on a smaller image, so that more of each large cell is in view, in less time."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

_OWN = "network."
"""Prefix of all tensor names in files that earlier versions wrote."""


class AtScale(nn.Module):
    """Shrink the image, run the network, and resize its logits to the size of the image.

    The field of view of a network is a fixed number of pixels. Cells of a hundred pixels do not fit into it.
    At half the scale they do, and an image takes a quarter of the time. The logits have the size of the
    image, so masks, patches and windows keep their size. Each pixel of the smaller image is a mean over the
    area that it covers.

    The ``state_dict`` is that of the network itself, so the same weights fit every scale.

    Args:
        network: network whose output has the size of its input.
        scale: size of the smaller image as a fraction of the image, above 0 and at most 1.

    Raises:
        ValueError: the scale is out of range.

    Shape:
        (batch, channels, spatial…) to the network's channels and the same spatial size.

    Example:
        >>> sizes = []
        >>> network = nn.Conv2d(1, 2, kernel_size=3, padding=1)
        >>> _ = network.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape)))
        >>> AtScale(network, 0.5)(torch.rand(1, 1, 64, 48)).shape, sizes
        (torch.Size([1, 2, 64, 48]), [(1, 1, 32, 24)])
        >>> list(AtScale(network, 0.5).state_dict())
        ['weight', 'bias']
    """

    def __init__(self, network: nn.Module, scale: float) -> None:
        super().__init__()
        if not 0 < scale <= 1:
            raise ValueError(f"scale={scale} must be above 0 and at most 1 (no change)")
        self.network = network
        self.scale = float(scale)
        self.register_load_state_dict_pre_hook(_add_own_name)  # type: ignore[no-untyped-call]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the logits, with the size of the image."""
        sides = [max(1, int(side * self.scale + 0.5)) for side in image.shape[2:]]
        small = F.interpolate(image, sides, mode="area")
        logits = self.network(small)
        if isinstance(logits, torch.Tensor):  # narrows the type for TorchScript too
            mode = "bilinear" if image.dim() == 4 else "trilinear"
            return F.interpolate(logits, image.shape[2:], mode=mode)
        raise TypeError("the network returns several maps, but AtScale needs one; wrap it in LastOutput")

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """Return the tensors of the network, under its own names."""
        return self.network.state_dict(*args, **kwargs)


def at_scale(network: nn.Module, scale: float) -> nn.Module:
    """Return the network as :class:`AtScale`, or unchanged if the scale is 1.

    An :class:`AtScale`, even one exported to TorchScript, is also returned unchanged.

    Example:
        >>> network = nn.Identity()
        >>> at_scale(network, 1) is network
        True
    """
    kind = getattr(network, "original_name", type(network).__name__)  # a scripted network has lost its class
    return network if scale == 1 or kind == AtScale.__name__ else AtScale(network, scale)


def _add_own_name(module: AtScale, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Add the prefix under which ``load_state_dict`` looks for the tensors of the network."""
    mine = {name[len(prefix) :]: name for name in state_dict if name.startswith(prefix)}
    expected = module.network.state_dict()
    if mine.keys() & expected.keys() or not all(name.startswith(_OWN) for name in mine):
        renamed = {f"{prefix}{_OWN}{name}": state_dict.pop(full) for name, full in mine.items()}
        state_dict.update(renamed)
