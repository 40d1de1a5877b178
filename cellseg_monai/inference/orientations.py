"""Test-time augmentation by the flips and quarter turns of the square."""

from collections.abc import Callable, Iterator
from typing import Any

import torch

Network = Callable[..., Any]


def mean_of_orientations(network: Network, windows: torch.Tensor, quarter_turns: bool) -> torch.Tensor:
    """Average what a network answers to windows as they are, flipped and turned, each turned back.

    What is averaged is the network's output as it comes: of networks that end without an activation, logits.
    The last two axes are turned; a volume keeps its first.

    Args:
        network: from (batch, channels, …, height, width) to a tensor of that height and width.
        windows: a batch for it.
        quarter_turns: all eight orientations; without, the four that keep a rectangle's shape.

    Example:
        >>> corner = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
        >>> top_left = lambda windows: windows * torch.tensor([[8.0, 0.0], [0.0, 0.0]])
        >>> mean_of_orientations(top_left, corner, quarter_turns=True)
        tensor([[[[2., 0.], [0., 0.]]]])
    """
    total: torch.Tensor | None = None
    count = 0
    for flips, turned in orientations(quarter_turns):
        answer = network(_orient(windows, flips, turned))
        answer = answer.flip(flips) if flips else answer
        answer = answer.transpose(-2, -1) if turned else answer
        answer = answer if answer.dtype == torch.float64 else answer.float()
        total = answer.clone() if total is None else total.add_(answer)
        count += 1
    assert total is not None
    return total.div_(count)


def orientations(quarter_turns: bool) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Axes to flip, after the transposition if there is one: each of the 8, or 4, orientations once.

    Example:
        >>> len(list(orientations(quarter_turns=True))), len(list(orientations(quarter_turns=False)))
        (8, 4)
    """
    for turned in (False, True) if quarter_turns else (False,):
        for flips in ((), (-1,), (-2,), (-2, -1)):
            yield flips, turned


def _orient(windows: torch.Tensor, flips: tuple[int, ...], turned: bool) -> torch.Tensor:
    windows = windows.transpose(-2, -1) if turned else windows
    return windows.flip(flips) if flips else windows
