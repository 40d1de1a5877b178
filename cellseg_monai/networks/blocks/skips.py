"""Skip connections: encoder maps as they are, with their channels mixed, or fused over all levels."""

from collections.abc import Sequence

import torch
from monai.networks.layers import Conv
from torch import nn

from cellseg_monai.networks.blocks.sizes import resize_to

SKIPS = ("standard", "convolutional", "fusion")


class SkipConnections(nn.Module):
    """Skip connections of all levels, after A. Frias, "Image Segmentation for Cell Image Datasets".

    - ``"standard"``: the encoder map of each level as it is. No parameters.
    - ``"convolutional"``: a 1×1 convolution of each encoder map.
    - ``"fusion"``: at each level, every other encoder map goes through a 1×1 convolution to the channels of
      this level and is resized linearly. These maps and the level's own map are summed, and a 1×1 convolution
      follows.

    Maps are channel-first, so a convolutional encoder and a Swin transformer (after a permutation) can use
    the same block. Leave out the deepest map: the decoder starts from it.

    Only the order of operations differs from the source. A 1×1 convolution and a linear resize commute, and
    the fusion first does the one that leaves fewer pixels to convolve. From the finest of four levels to the
    coarsest, this takes 64 times fewer multiplications, with the same result.

    Args:
        spatial_dims: 2 or 3.
        channels: number of channels of the encoder map at each level, finest level first.
        skip: ``"standard"``, ``"convolutional"`` or ``"fusion"``.

    Shape:
        Input and output: a list with one tensor (batch, channels[level], height, width) per level, finest
        first.

    Example:
        >>> skips = SkipConnections(spatial_dims=2, channels=(8, 16), skip="fusion")
        >>> [tuple(map.shape) for map in skips([torch.rand(1, 8, 32, 32), torch.rand(1, 16, 16, 16)])]
        [(1, 8, 32, 32), (1, 16, 16, 16)]
    """

    def __init__(self, spatial_dims: int, channels: Sequence[int], skip: str = "standard") -> None:
        super().__init__()
        if skip not in SKIPS:
            raise ValueError(f"skip must be one of {', '.join(SKIPS)}, not {skip!r}")
        levels: list[nn.Module] = []
        for level, width in enumerate(channels):
            if skip == "standard":
                levels.append(_OwnMap(level, nn.Identity()))
            elif skip == "convolutional":
                levels.append(_OwnMap(level, Conv["conv", spatial_dims](width, width, kernel_size=1)))
            else:
                levels.append(_FusedMaps(spatial_dims, level, channels))
        self.levels = nn.ModuleList(levels)

    def forward(self, encoder_maps: list[torch.Tensor]) -> list[torch.Tensor]:
        """Return the map to concatenate at each level."""
        if len(encoder_maps) != len(self.levels):
            raise ValueError(
                f"there are {len(self.levels)} skip connections, but {len(encoder_maps)} encoder maps"
            )
        skipped: list[torch.Tensor] = []
        for level in self.levels:
            skipped.append(level(encoder_maps))
        return skipped


class _OwnMap(nn.Module):
    """Apply a layer to the map of one level."""

    def __init__(self, level: int, layer: nn.Module) -> None:
        super().__init__()
        self.level = level
        self.layer = layer

    def forward(self, encoder_maps: list[torch.Tensor]) -> torch.Tensor:
        skipped: torch.Tensor = self.layer(encoder_maps[self.level])
        return skipped


class _FusedMaps(nn.Module):
    """Bring the maps of all levels to one level and sum them."""

    def __init__(self, spatial_dims: int, level: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.level = level
        conv, width = Conv["conv", spatial_dims], channels[level]
        self.match = nn.ModuleList(
            nn.Identity() if other == level else conv(channels[other], width, kernel_size=1)
            for other in range(len(channels))
        )
        self.mix = conv(width, width, kernel_size=1)

    def forward(self, encoder_maps: list[torch.Tensor]) -> torch.Tensor:
        own = encoder_maps[self.level]
        total = own
        for other, match in enumerate(self.match):
            if other < self.level:  # finer: fewer pixels after the resize
                total = total + match(resize_to(encoder_maps[other], own))
            if other > self.level:  # coarser: fewer pixels before the resize
                total = total + resize_to(match(encoder_maps[other]), own)
        fused: torch.Tensor = self.mix(total)
        return fused
