"""Halve a map of tokens: four neighbours become one token of twice the features."""

import torch
from torch import Tensor, nn


class PatchMerging(nn.Module):
    """Concatenate each 2 × 2 square of tokens, normalise, and reduce four-fold features to two-fold.

    MONAI's ``PatchMergingV2`` has the same parameters and order, but it cannot be scripted.

    Args:
        channels: features of a token.

    Shape:
        ``(batch, height, width, channels)``, of even height and width, to
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
        """Merge the squares; the published order is down the columns first."""
        square = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        merged: Tensor = self.reduction(self.norm(torch.cat(square, dim=-1)))
        return merged
