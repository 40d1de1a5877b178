"""Three regimes of patches: background only, small regions, and large regions of cells."""

from torch import Tensor

BACKGROUND, SMALL, LARGE = REGIMES = range(3)
NAMES = ("background", "small", "large")


def patch_regimes(foreground: Tensor, small_below: float = 0.0625) -> Tensor:
    """Classify patches by their foreground fraction.

    Args:
        foreground: boolean mask of shape (batch, channels, spatial…).
        small_below: foreground fraction from which a patch is large.

    Returns:
        Regime of each patch and channel: 0 without foreground, 2 if the fraction is at least ``small_below``,
        otherwise 1.

    Example:
        Zero, one and two of sixteen pixels:

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
