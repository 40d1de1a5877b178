"""Cut an image into square patches and make a token of each."""

from torch import Tensor, nn


class PatchEmbedding(nn.Module):
    """Project each patch to a token and normalise it.

    MONAI's ``PatchEmbed`` has the same parameters, but it cannot be scripted.

    Args:
        in_channels: channels of the image.
        channels: features of a token.
        patch_size: side of a patch in pixels; the image is a multiple of it.

    Shape:
        ``(batch, in_channels, height, width)`` to
        ``(batch, height / patch_size, width / patch_size, channels)``.

    Example:
        >>> import torch
        >>> PatchEmbedding(in_channels=3, channels=8, patch_size=4)(torch.zeros(1, 3, 32, 16)).shape
        torch.Size([1, 8, 4, 8])
    """

    def __init__(self, in_channels: int, channels: int, patch_size: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(in_channels, channels, kernel_size=patch_size, stride=patch_size)
        self.norm = nn.LayerNorm(channels)

    def forward(self, image: Tensor) -> Tensor:
        """Turn a channel-first image into a channel-last map of tokens."""
        tokens: Tensor = self.norm(self.proj(image).permute(0, 2, 3, 1))
        return tokens
