"""How unsure a network is of an image, in comparison with the images that it was judged on."""

import torch

_SURE = (0.2, 0.8)
"""Foreground probabilities between which a pixel is neither background nor cell."""


def unsure_share(foreground: torch.Tensor) -> float:
    """Number of pixels that are neither background nor cell, as a fraction of those of cells.

    Even a network that knows its images is unsure of the borders of cells, more so if they are small or the
    images blurred. So the number tells only in comparison with other images of the same network.

    Args:
        foreground: probability of each pixel to be part of a cell.

    Example:
        >>> unsure_share(torch.tensor([0.1, 0.3, 0.6, 0.9, 0.9, 0.9]))
        0.5
    """
    low, high = _SURE
    unsure = ((foreground > low) & (foreground < high)).sum()
    return float(unsure / (foreground > 0.5).sum().clamp(min=1))
