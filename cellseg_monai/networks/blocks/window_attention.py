"""Multi-head self-attention inside windows, with a learnt bias for the relative position of two tokens."""

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


class WindowAttention(nn.Module):
    """Self-attention of the Swin Transformer (https://arxiv.org/abs/2103.14030, section 3.2).

    MONAI's ``WindowAttention`` is not used: it cannot be scripted, and on a map smaller than the window it
    reads the position bias from the wrong rows of the table.

    Args:
        channels: features of a token.
        num_heads: attention heads; divides ``channels``.
        window_size: side of a window in tokens.
        dropout: share of the output features set to zero while training.

    Shape:
        ``windows``: ``(batch * count, window_size ** 2, channels)``, as the result.
        ``barrier``: ``(count, window_size ** 2, window_size ** 2)``, added to the scores.

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
    """Row of the bias table for each query and key: (dy + w - 1) * (2w - 1) + dx + w - 1."""
    side = torch.arange(window_size)
    offsets = side[:, None] - side + window_size - 1
    rows, columns = offsets[:, None, :, None], offsets[None, :, None, :]
    return ((2 * window_size - 1) * rows + columns).reshape(window_size**2, window_size**2)
