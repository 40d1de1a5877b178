"""Enlarge a map of tokens: each token becomes a square of tokens."""

from torch import Tensor, nn


class PatchExpanding(nn.Module):
    """Widen each token linearly, lay the features out as a square of tokens, and normalise.

    Args:
        channels: features of a token.
        out_channels: features of each token after it.
        scale: side of the square that a token becomes.

    Shape:
        ``(batch, height, width, channels)`` to ``(batch, height * scale, width * scale, out_channels)``.

    Example:
        >>> import torch
        >>> PatchExpanding(channels=8, out_channels=4, scale=2)(torch.zeros(1, 3, 5, 8)).shape
        torch.Size([1, 6, 10, 4])
    """

    def __init__(self, channels: int, out_channels: int, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.expand = nn.Linear(channels, scale * scale * out_channels, bias=False)
        self.norm = nn.LayerNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Expand the tokens; features run over the square row by row."""
        batch, height, width, _ = x.shape
        scale = self.scale
        squares = self.expand(x).view(batch, height, width, scale, scale, -1).transpose(2, 3)
        expanded: Tensor = self.norm(squares.reshape(batch, height * scale, width * scale, -1))
        return expanded
