"""Position of each token when a map is cut into shifted windows, and the tokens that may attend there."""

from typing import NamedTuple

import torch
from torch import Tensor


class WindowLayout(NamedTuple):
    """Indices into the windows and back, for a map of ``height * width`` tokens.

    Attributes:
        tokens: token at each place of the windows, ``(windows * area,)``; padding has the first token.
        places: place of each token in the windows, ``(height * width,)``, without padding.
        barrier: 0 if two places of a window may attend to each other, otherwise -100,
            ``(windows, area, area)``.
    """

    tokens: Tensor
    places: Tensor
    barrier: Tensor


class _Axis(NamedTuple):
    tokens: Tensor  # (windows, window_size): coordinate of the token at each place
    regions: Tensor  # (windows, window_size): places with equal regions may attend to each other
    windows: Tensor  # (length,): window of each coordinate
    offsets: Tensor  # (length,): place of each coordinate in its window


def _axis(length: int, window_size: int, shift: int, device: torch.device) -> _Axis:
    """Cut one axis. There is no branch on its length, so a traced or exported network takes every size."""
    padded = (length + window_size - 1) // window_size * window_size
    places = torch.arange(padded, device=device)
    step = shift * (places[-1] >= window_size).long()  # a window over the whole axis is not shifted
    wrapped = (places >= padded - step).long()
    tokens = places + step - padded * wrapped
    real = (tokens < length).long()
    back = places[:length] - step
    back = back + padded * (back < 0).long()
    windows = torch.div(back, window_size, rounding_mode="floor")
    return _Axis(
        tokens=(tokens * real).view(-1, window_size),
        regions=(wrapped + 2 * real).view(-1, window_size),
        windows=windows,
        offsets=back - window_size * windows,
    )


def window_layout(
    height: int, width: int, window_size: int, shift: int, device: torch.device
) -> WindowLayout:
    """Cut a map into windows of ``window_size * window_size`` tokens, after rolling it by ``shift``.

    As published, tokens that are neighbours only because the map was rolled do not attend to each other, and
    an axis that fits into one window is not shifted. If the windows do not divide the map, or are larger, the
    last window is padded. Real tokens never attend to padding, so padding does not change the result.

    Args:
        height: number of tokens along the first axis of the map.
        width: number of tokens along the second axis.
        window_size: side of a window.
        shift: shift of the windows down and right, in tokens.
        device: device of the tensors.

    Returns:
        The :class:`WindowLayout`.

    Example:
        A map of 1 × 3 tokens in 2 × 2 windows: the first window has tokens 0 and 1, the second has token 2.

        >>> layout = window_layout(1, 3, 2, 0, torch.device("cpu"))
        >>> layout.tokens.tolist()
        [0, 1, 0, 1, 2, 0, 2, 0]
        >>> layout.places.tolist()
        [0, 1, 4]
        >>> layout.barrier[1, 0].tolist()
        [0.0, -100.0, -100.0, -100.0]
    """
    rows = _axis(height, window_size, shift, device)
    columns = _axis(width, window_size, shift, device)
    area = window_size * window_size
    tokens = width * rows.tokens[:, None, :, None] + columns.tokens[None, :, None, :]
    regions = (4 * rows.regions[:, None, :, None] + columns.regions[None, :, None, :]).view(-1, area)
    windows = columns.tokens.shape[0] * rows.windows[:, None] + columns.windows
    offsets = window_size * rows.offsets[:, None] + columns.offsets
    apart = regions[:, :, None] != regions[:, None, :]
    barrier = torch.zeros(apart.shape, device=device)
    return WindowLayout(
        tokens=tokens.reshape(-1),
        places=(area * windows + offsets).view(-1),
        barrier=barrier.masked_fill(apart, -100.0),  # as published: e^-100 counts as 0
    )
