"""Where each token goes when a map is cut into shifted windows, and which tokens may meet there."""

from typing import NamedTuple

import torch
from torch import Tensor


class WindowLayout(NamedTuple):
    """The way into the windows and back, for a map of ``height * width`` tokens.

    Attributes:
        tokens: the token that fills each place of the windows, ``(windows * area,)``. Padding is filled
            with the first token.
        places: the place that each token has in the windows, ``(height * width,)``; padding is left out.
        barrier: 0 where two places of a window may attend to each other and -100 where not,
            ``(windows, area, area)``.
    """

    tokens: Tensor
    places: Tensor
    barrier: Tensor


class _Axis(NamedTuple):
    tokens: Tensor  # (windows, window_size): coordinate of the token in each place
    regions: Tensor  # (windows, window_size): places attend to each other if their regions are equal
    windows: Tensor  # (length,): window of each coordinate
    offsets: Tensor  # (length,): place of each coordinate in its window


def _axis(length: int, window_size: int, shift: int, device: torch.device) -> _Axis:
    """Cut one axis, without a branch on its length, so that a traced or exported network takes every size."""
    padded = (length + window_size - 1) // window_size * window_size
    places = torch.arange(padded, device=device)
    step = shift * (places[-1] >= window_size).long()  # one window that sees the whole axis is not shifted
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

    As published, tokens that meet only because the map was rolled do not attend to each other, and an axis
    that fits one window is not shifted. Where the windows do not divide the map, or are larger than it, the
    last window is padded; real tokens never attend to padding, so that it does not change the result.

    Args:
        height: tokens along the first axis of the map.
        width: tokens along the second axis.
        window_size: side of a window.
        shift: tokens by which the windows move down and right.
        device: where the tensors are made.

    Returns:
        The :class:`WindowLayout`.

    Example:
        A map of 1 × 3 tokens in windows of 2 × 2: the first window holds tokens 0 and 1, the second token 2.

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
        barrier=barrier.masked_fill(apart, -100.0),  # as published: e^-100 is no weight
    )
