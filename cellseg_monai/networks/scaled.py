"""A network that looks at a smaller image than it is given: more of large cells in view, in less time."""

import torch
from torch import nn
from torch.nn import functional as F


class AtScale(nn.Module):
    """Shrink the image, run the network, and bring its logits back to the size of the image.

    A network sees so many of its own pixels around each one. Cells of a hundred pixels do not fit into that
    view; at half the scale they do, and an image takes a quarter of the time. Masks, patches and windows stay
    as they are, since the logits have the size of the image. Shrinking takes the mean of the pixels that
    become one.

    Args:
        network: gives a tensor of the size of its input.
        scale: of the image that it sees, 0 to 1.

    Raises:
        ValueError: the scale is out of its range.

    Shape:
        (batch, channels, spatial…) to the network's channels and the same spatial size.

    Example:
        >>> sizes = []
        >>> network = nn.Conv2d(1, 2, kernel_size=3, padding=1)
        >>> _ = network.register_forward_pre_hook(lambda _, given: sizes.append(tuple(given[0].shape)))
        >>> AtScale(network, 0.5)(torch.rand(1, 1, 64, 48)).shape, sizes
        (torch.Size([1, 2, 64, 48]), [(1, 1, 32, 24)])
    """

    def __init__(self, network: nn.Module, scale: float) -> None:
        super().__init__()
        if not 0 < scale <= 1:
            raise ValueError(
                f"scale={scale} of the image must be above 0 and at most 1, which leaves it as it is"
            )
        self.network = network
        self.scale = float(scale)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of the image."""
        sides = [max(1, int(side * self.scale + 0.5)) for side in image.shape[2:]]
        small = F.interpolate(image, sides, mode="area")
        logits = self.network(small)
        if isinstance(logits, torch.Tensor):  # narrows the type for TorchScript too
            mode = "bilinear" if image.dim() == 4 else "trilinear"
            return F.interpolate(logits, image.shape[2:], mode=mode)
        raise TypeError("the network gives several maps, AtScale takes one: wrap it in LastOutput")


def at_scale(network: nn.Module, scale: float) -> nn.Module:
    """The network itself for a scale of 1, so that its weights keep their names; else :class:`AtScale`.

    One that is an :class:`AtScale` already, also as exported to TorchScript, stays as it is.

    Example:
        >>> network = nn.Identity()
        >>> at_scale(network, 1) is network
        True
    """
    return network if scale == 1 or _is_at_scale(network) else AtScale(network, scale)


def _is_at_scale(network: nn.Module) -> bool:
    if isinstance(network, torch.jit.ScriptModule):
        return bool(network.original_name == AtScale.__name__)
    return isinstance(network, AtScale)
