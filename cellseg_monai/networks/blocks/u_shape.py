"""Encoder, skip connections, decoder and head: the structure that the U-Nets share."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from monai.networks.layers import Conv, Pool
from torch import nn

from cellseg_monai.networks.blocks.sizes import crop_to, pad_to_multiple
from cellseg_monai.networks.blocks.skips import SkipConnections

Build = Callable[[int, int], nn.Module]
"""Function that builds a module from two numbers of channels."""


class UShape(nn.Module):
    """Base of the U-Nets. Images of any size are padded inside, and the logits are cropped.

    Args:
        spatial_dims: 2 or 3.
        in_channels: number of image channels.
        out_channels: number of output channels.
        channels: number of channels at each level, finest level first.
        block: function that builds a block of the encoder from its numbers of input and output channels.
        level: function that builds a level of the decoder from the numbers of channels of the level below and
            of its own. A level takes the map from below and the skipped map.
        skip: kind of skip connections, see :class:`SkipConnections`.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        *,
        channels: Sequence[int],
        block: Build,
        level: Build,
        skip: str = "standard",
    ) -> None:
        super().__init__()
        self.multiple = 2 ** (len(channels) - 1)
        self.encoder = Encoder(spatial_dims, in_channels, channels, block)
        self.skips = SkipConnections(spatial_dims, channels[:-1], skip)
        self.decoder = nn.ModuleList(level(deeper, width) for deeper, width in pairwise(reversed(channels)))
        self.head = Conv["conv", spatial_dims](channels[0], out_channels, kernel_size=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Return the logits, with the size of the image."""
        features = self.encoder(pad_to_multiple(image, self.multiple))
        decoded = features.pop()
        skipped = self.skips(features)
        for level in self.decoder:
            decoded = level(decoded, skipped.pop())
        logits: torch.Tensor = self.head(decoded)
        return crop_to(logits, image)


class Encoder(nn.Module):
    """One block at each level, with maximum pooling that halves the size between levels.

    Args:
        spatial_dims: 2 or 3.
        in_channels: number of image channels.
        channels: number of channels at each level, finest level first; at least two levels.
        block: function that builds the module of a level from its numbers of input and output channels.

    Shape:
        (batch, in_channels, height, width) to a list of (batch, channels[i], height / 2^i, width / 2^i).

    Example:
        >>> encoder = Encoder(2, 1, (4, 8), lambda before, after: nn.Conv2d(before, after, 3, padding=1))
        >>> [tuple(features.shape) for features in encoder(torch.rand(1, 1, 32, 32))]
        [(1, 4, 32, 32), (1, 8, 16, 16)]
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        channels: Sequence[int],
        block: Build,
    ) -> None:
        super().__init__()
        if spatial_dims not in (2, 3):
            raise ValueError(f"spatial_dims must be 2 or 3, not {spatial_dims}")
        if len(channels) < 2:
            raise ValueError(
                f"channels must have at least two levels, but {tuple(channels)} has {len(channels)}"
            )
        self.pool = Pool["max", spatial_dims](kernel_size=2)
        self.first = block(in_channels, channels[0])
        self.deeper = nn.ModuleList(map(block, channels[:-1], channels[1:]))

    def forward(self, image: torch.Tensor, depth: int | None = None) -> list[torch.Tensor]:
        """Return the map of each level, finest first, after at most ``depth`` halvings."""
        features: list[torch.Tensor] = [self.first(image)]
        for halvings, block in enumerate(self.deeper, 1):
            if depth is None or halvings <= depth:
                features.append(block(self.pool(features[-1])))
        return features
