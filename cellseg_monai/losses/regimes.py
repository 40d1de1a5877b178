"""The regime of a patch: no cell, a small region, or a large one."""

from torch import Tensor

BACKGROUND, SMALL, LARGE = REGIMES = range(3)
NAMES = ("background", "small", "large")


def patch_regimes(foreground: Tensor, small_below: float = 0.0625) -> Tensor:
    """Sort patches by their share of foreground.

    Args:
        foreground: bool, shape (batch, channels, spatial…).
        small_below: share of the pixels from which on a patch is large.

    Returns:
        The regime of each patch and channel: 0 without foreground, 2 if the share is at least
        ``small_below``, else 1.

    Example:
        No, one and two pixels of sixteen:

        >>> import torch
        >>> patches = torch.zeros(3, 1, 16, dtype=torch.bool)
        >>> patches[1, 0, :1] = patches[2, 0, :2] = True
        >>> patch_regimes(patches, small_below=2 / 16).flatten()
        tensor([0, 1, 2])
    """
    pixels = foreground.flatten(2)
    count = pixels.sum(dim=2)
    occupied = count > 0
    return occupied.long() + (occupied & (count >= small_below * pixels.shape[2])).long()
