"""One Swin Transformer block: attention in windows, then a perceptron, each with a residual connection."""

from monai.networks.blocks import MLPBlock
from monai.networks.layers import DropPath
from torch import Tensor, nn

from cellseg_monai.networks.blocks.window_attention import WindowAttention
from cellseg_monai.networks.blocks.window_layout import window_layout


class SwinBlock(nn.Module):
    """Pre-norm transformer block on a channel-last map of any size.

    Tokens go into the windows and back by one gather each, which does rolling, padding and partition at once.

    Args:
        channels: features of a token.
        num_heads: attention heads; divides ``channels``.
        window_size: side of a window in tokens.
        shift: tokens by which the windows move; every second block of a stage has half a window.
        dropout: share of the features set to zero after attention and in the perceptron while training.
        drop_path: share of the samples that skip each half of the block while training.

    Shape:
        ``(batch, height, width, channels)``, as the result.

    Example:
        >>> import torch
        >>> block = SwinBlock(channels=8, num_heads=2, window_size=4, shift=2)
        >>> block(torch.zeros(1, 9, 3, 8)).shape
        torch.Size([1, 9, 3, 8])
    """

    def __init__(
        self,
        channels: int,
        num_heads: int,
        window_size: int,
        shift: int = 0,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.window_size = window_size
        self.shift = shift
        self.norm1 = nn.LayerNorm(channels)
        self.attn = WindowAttention(channels, num_heads, window_size, dropout)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(channels)
        self.mlp = MLPBlock(channels, 4 * channels, dropout, act="GELU", dropout_mode="swin")

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to a channel-last map."""
        x = x + self.drop_path(self._attend(self.norm1(x)))
        result: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return result

    def _attend(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        layout = window_layout(height, width, self.window_size, self.shift, x.device)
        windows = x.flatten(1, 2).index_select(1, layout.tokens)
        windows = self.attn(windows.view(-1, layout.barrier.shape[-1], channels), layout.barrier)
        tokens: Tensor = windows.view(batch, -1, channels).index_select(1, layout.places)
        return tokens.view(x.shape)
