"""The Swin Transformer block: attention in windows, then a perceptron, each with a residual connection."""

import torch
from monai.networks.blocks import MLPBlock
from monai.networks.layers import DropPath
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from cellseg_monai.networks.blocks.window_layout import window_layout


class SwinBlock(nn.Module):
    """Pre-norm transformer block for a channel-last map of any size.

    One gather puts the tokens into their windows and another one back. Each does the rolling, the padding and
    the partition at once.

    Args:
        channels: number of features of a token.
        num_heads: number of attention heads; must divide ``channels``.
        window_size: side of a window in tokens.
        shift: shift of the windows in tokens; every second block of a stage shifts by half a window.
        dropout: fraction of the features set to 0 after attention and in the perceptron during training.
        drop_path: fraction of the samples that skip each half of the block during training.

    Shape:
        ``(batch, height, width, channels)``; the result has the same shape.

    Example:
        >>> block = SwinBlock(channels=8, num_heads=2, window_size=4, shift=2)
        >>> block(torch.zeros(1, 9, 3, 8)).shape
        torch.Size([1, 9, 3, 8])
    """

    def __init__(
        self,
        channels: int,
        num_heads: int,
        window_size: int,
        *,
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


class WindowAttention(nn.Module):
    """Self-attention in windows with a learned bias for the relative position of two tokens.

    From the Swin Transformer (https://arxiv.org/abs/2103.14030, section 3.2). MONAI's ``WindowAttention`` is
    not used: TorchScript cannot compile it, and for a map smaller than the window it reads the position bias
    from the wrong rows of the table.

    Args:
        channels: number of features of a token.
        num_heads: number of attention heads; must divide ``channels``.
        window_size: side of a window in tokens.
        dropout: fraction of the output features set to 0 during training.

    Shape:
        ``windows``: ``(batch * count, window_size ** 2, channels)``; the result has the same shape.
        ``barrier``: ``(count, window_size ** 2, window_size ** 2)``, added to the attention scores.

    Example:
        >>> attention = WindowAttention(channels=8, num_heads=2, window_size=4)
        >>> attention(torch.zeros(6, 16, 8), torch.zeros(3, 16, 16)).shape
        torch.Size([6, 16, 8])
    """

    relative_position_index: Tensor

    def __init__(self, channels: int, num_heads: int, window_size: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window_size - 1) ** 2, num_heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        index = _relative_position_index(window_size)
        self.register_buffer("relative_position_index", index, persistent=False)
        self.qkv = nn.Linear(channels, 3 * channels)
        self.proj = nn.Linear(channels, channels)
        self.proj_drop = nn.Dropout(dropout)

    def forward(self, windows: Tensor, barrier: Tensor) -> Tensor:
        """Let the tokens of each window attend to each other."""
        number, area, _ = windows.shape
        count, heads = barrier.shape[0], self.num_heads
        features = self.qkv(windows).view(number, area, 3, heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = features.unbind(0)
        position = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        bias = (position + barrier[:, None]).expand(number // count, count, heads, area, area)
        bias = bias.reshape(number, heads, area, area).to(query.dtype)
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=bias)
        attended: Tensor = self.proj_drop(self.proj(torch.cat(mixed.unbind(1), dim=-1)))
        return attended


def _relative_position_index(window_size: int) -> Tensor:
    """Return the row of the bias table for each query and key: (dy + w - 1) * (2w - 1) + dx + w - 1."""
    side = torch.arange(window_size)
    offsets = side[:, None] - side + window_size - 1
    rows, columns = offsets[:, None, :, None], offsets[None, :, None, :]
    return ((2 * window_size - 1) * rows + columns).reshape(window_size**2, window_size**2)
