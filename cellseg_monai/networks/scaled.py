"""A network that sees a smaller image than it is given: more of each large cell in view, in less time."""

from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

_OWN = "network."
"""Before the names of the tensors, in files of earlier versions."""


class AtScale(nn.Module):
    """Shrink the image, run the network, and resize its logits to the size of the image.

    A network sees a fixed number of its own pixels around each pixel. Cells of a hundred pixels do not fit
    into that view; at half the scale they do, and an image takes a quarter of the time. Masks, patches and
    windows keep their size, since the logits have the size of the image. Each pixel of the smaller image is
    the mean of those it stands for.

    The ``state_dict`` is that of the network itself, so weights fit at every scale.

    Args:
        network: network whose output has the size of its input.
        scale: size of the image that the network sees, as a fraction from 0 to 1.

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
            raise ValueError(f"scale={scale} must be above 0 and at most 1, which leaves the image as it is")
        self.network = network
        self.scale = float(scale)
        self.register_load_state_dict_pre_hook(_add_own_name)  # type: ignore[no-untyped-call]

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of the image."""
        sides = [max(1, int(side * self.scale + 0.5)) for side in image.shape[2:]]
        small = F.interpolate(image, sides, mode="area")
        logits = self.network(small)
        if isinstance(logits, torch.Tensor):  # narrows the type for TorchScript too
            mode = "bilinear" if image.dim() == 4 else "trilinear"
            return F.interpolate(logits, image.shape[2:], mode=mode)
        raise TypeError("the network returns several maps, AtScale takes one: wrap it in LastOutput")

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        """The tensors of the network, under its own names."""
        return self.network.state_dict(*args, **kwargs)


def at_scale(network: nn.Module, scale: float) -> nn.Module:
    """The network itself for a scale of 1, else :class:`AtScale`.

    A network that is an :class:`AtScale` already, also one exported to TorchScript, is returned unchanged.

    Example:
        >>> network = nn.Identity()
        >>> at_scale(network, 1) is network
        True
    """
    return network if scale == 1 or _is_at_scale(network) else AtScale(network, scale)


def _add_own_name(module: AtScale, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
    """Bring the names of the network to where ``load_state_dict`` looks for them."""
    mine = {name[len(prefix) :]: name for name in state_dict if name.startswith(prefix)}
    expected = module.network.state_dict()
    if mine.keys() & expected.keys() or not all(name.startswith(_OWN) for name in mine):
        renamed = {f"{prefix}{_OWN}{name}": state_dict.pop(full) for name, full in mine.items()}
        state_dict.update(renamed)


def _is_at_scale(network: nn.Module) -> bool:
    if isinstance(network, torch.jit.ScriptModule):
        return bool(network.original_name == AtScale.__name__)
    return isinstance(network, AtScale)
