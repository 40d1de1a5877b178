"""The contracting half of a U-Net."""

from collections.abc import Callable, Sequence

import torch
from monai.networks.layers import Pool
from torch import nn


class Encoder(nn.Module):
    """A block at each level, the size halved by maximum pooling in between.

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the image.
        channels: channels at each level, finest first; two levels or more.
        block: makes the module of a level from its input and output channels.

    Shape:
        (batch, in_channels, height, width) to a list of (batch, channels[i], height / 2^i, width / 2^i).

    Example:
        >>> encoder = Encoder(2, 1, (4, 8), lambda given, made: nn.Conv2d(given, made, 3, padding=1))
        >>> [tuple(features.shape) for features in encoder(torch.rand(1, 1, 32, 32))]
        [(1, 4, 32, 32), (1, 8, 16, 16)]
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        channels: Sequence[int],
        block: Callable[[int, int], nn.Module],
    ) -> None:
        super().__init__()
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, not {spatial_dims}")
        if len(channels) < 2:
            raise ValueError(f"channels needs two levels or more, {tuple(channels)} has {len(channels)}")
        self.pool = Pool["max", spatial_dims](kernel_size=2)
        self.first = block(in_channels, channels[0])
        self.deeper = nn.ModuleList(map(block, channels[:-1], channels[1:]))

    def forward(self, image: torch.Tensor, depth: int | None = None) -> list[torch.Tensor]:
        """The map of each level, finest first, after at most so many halvings."""
        features: list[torch.Tensor] = [self.first(image)]
        for halvings, block in enumerate(self.deeper, 1):
            if depth is None or halvings <= depth:
                features.append(block(self.pool(features[-1])))
        return features
