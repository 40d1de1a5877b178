"""Layers that change the size of a map of tokens: from image to tokens, coarser, and finer.

MONAI's ``PatchEmbed`` and ``PatchMergingV2`` have the same parameters as the first two, but TorchScript
cannot compile them.
"""

import torch
from torch import Tensor, nn


class PatchEmbedding(nn.Module):
    """Project each square patch of an image to a token, and normalise it.

    Args:
        in_channels: number of image channels.
        channels: number of features of a token.
        patch_size: side of a patch in pixels; the sides of the image must be multiples of it.

    Shape:
        ``(batch, in_channels, height, width)`` to
        ``(batch, height / patch_size, width / patch_size, channels)``.

    Example:
        >>> PatchEmbedding(in_channels=3, channels=8, patch_size=4)(torch.zeros(1, 3, 32, 16)).shape
        torch.Size([1, 8, 4, 8])
    """

    def __init__(self, in_channels: int, channels: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, kernel_size=patch_size, stride=patch_size)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        """Convert a channel-first image to a channel-last map of tokens."""
        tokens: Tensor = self.norm(self.proj(image).permute(0, 2, 3, 1))
        return tokens


class PatchMerging(nn.Module):
    """Halve a map: concatenate each 2 × 2 square of tokens, normalise, and reduce to twice the features.

    Args:
        channels: number of features of a token.

    Shape:
        ``(batch, height, width, channels)``, with even height and width, to
        ``(batch, height / 2, width / 2, 2 * channels)``.

    Example:
        >>> PatchMerging(channels=8)(torch.zeros(1, 6, 4, 8)).shape
        torch.Size([1, 3, 2, 16])
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)
        self.norm = nn.LayerNorm(4 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Merge the squares in the published order, down the columns first."""
        square = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        merged: Tensor = self.reduction(self.norm(torch.cat(square, dim=-1)))
        return merged


class PatchExpanding(nn.Module):
    """Enlarge a map: widen each token linearly, rearrange its features as a square of tokens, and normalise.

    Args:
        channels: number of features of a token.
        out_channels: number of features of each new token.
        scale: side of the square that a token becomes.

    Shape:
        ``(batch, height, width, channels)`` to ``(batch, height * scale, width * scale, out_channels)``.

    Example:
        >>> PatchExpanding(channels=8, out_channels=4, scale=2)(torch.zeros(1, 3, 5, 8)).shape
        torch.Size([1, 6, 10, 4])
    """

    def __init__(self, channels: int, out_channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.expand = nn.Linear(channels, scale * scale * out_channels, bias=False)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Expand the tokens; features fill the square row by row."""
        batch, height, width, _ = x.shape
        scale = self.scale
        squares = self.expand(x).view(batch, height, width, scale, scale, -1).transpose(2, 3)
        expanded: Tensor = self.norm(squares.reshape(batch, height * scale, width * scale, -1))
        return expanded
