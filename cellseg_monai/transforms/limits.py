"""The two intensities that become 0 and 1 when an image is stretched.

If cells cover only one pixel in a hundred, the usual percentiles both lie in the background, and noise would
fill the whole range. Therefore the range is never narrower than a fraction of the spread of the image.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from cellseg_monai.transforms.percentiles import percentiles
from cellseg_monai.transforms.source_file import origin

Limits = npt.NDArray[np.float64]

_TAILS = (0.01, 99.99)  # pixels beyond count as hot or dead pixels, not as the spread of the image


def intensity_limits(
    image: npt.NDArray[Any] | torch.Tensor,
    lower: float = 1.0,
    upper: float = 99.0,
    *,
    nonzero: bool = False,
    channel_wise: bool = True,
    min_range: float = 0.1,
) -> Limits:
    """Return the intensities that become 0 and 1.

    They are the two percentiles, with linear interpolation as in NumPy. The spread of the image reaches from
    its 0.01th to its 99.99th percentile, or from minimum to maximum if these two percentiles are equal. If
    the limits are closer together than ``min_range`` times the spread, the range is widened to that. Each
    limit moves in proportion to the intensities beyond it: upward for a few bright objects on a dark
    background, downward for dark objects on a bright background.

    Args:
        image: channel-first array or tensor, the whole image and not a crop.
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        nonzero: ignore pixels that are exactly 0.
        channel_wise: compute separate limits for each channel.
        min_range: smallest range as a fraction of the spread, 0 to 1; 0 gives the plain percentiles.

    Returns:
        Array of shape (channels, 2), or (1, 2) without ``channel_wise``. A channel without any pixels to use,
        such as an all-zero channel with ``nonzero``, has zeros.

    Raises:
        ValueError: an option is out of range, or the image is empty or has NaN or infinite pixels.

    Example:
        >>> intensity_limits(np.arange(101.0).reshape(1, 1, 101), lower=2, upper=98)
        array([[ 2., 98.]])
        >>> sparse = np.zeros((1, 100, 100))
        >>> sparse[0, :5, :10] = 200.0
        >>> intensity_limits(sparse)
        array([[ 0., 20.]])
    """
    check_settings(lower, upper, min_range)
    if image.ndim < 2 or 0 in image.shape:
        raise ValueError(
            f"{origin(image)} has shape {tuple(image.shape)}; give a channel-first image that is not empty"
        )
    pixels: Any = image.as_subclass(torch.Tensor) if isinstance(image, torch.Tensor) else image
    channels = pixels if channel_wise else pixels[None]
    needed = needed_percentiles(lower, upper)
    limits = np.array([widened(percentiles(channel, needed, nonzero), min_range) for channel in channels])
    if not np.isfinite(limits).all():
        bad = int((~(abs(pixels) < math.inf)).sum())
        raise ValueError(
            f"{origin(image)} has {bad} NaN or infinite pixels of {math.prod(image.shape)}; replace them "
            "before the stretch, for example with numpy.nan_to_num"
        )
    return limits


def check_settings(lower: float, upper: float, min_range: float) -> None:
    """Raise if :func:`intensity_limits` cannot use the options.

    Example:
        >>> check_settings(lower=99, upper=1, min_range=0.1)
        Traceback (most recent call last):
        ...
        ValueError: percentiles must be 0 <= lower < upper <= 100, not lower 99, upper 1
    """
    if not 0 <= lower < upper <= 100:
        raise ValueError(f"percentiles must be 0 <= lower < upper <= 100, not lower {lower}, upper {upper}")
    if not 0 <= min_range <= 1:
        raise ValueError(f"min_range must be a fraction of the spread from 0 to 1, not {min_range}")


def needed_percentiles(lower: float, upper: float) -> tuple[float, ...]:
    """Return the percentiles that :func:`widened` takes."""
    return (0, _TAILS[0], lower, upper, _TAILS[1], 100)


def widened(found: Sequence[float], min_range: float) -> tuple[float, float]:
    """Return the third and fourth of the percentiles, moved apart if they are too close.

    Args:
        found: percentiles of :func:`needed_percentiles`.
        min_range: smallest range as a fraction of the spread, see :func:`intensity_limits`.

    Example:
        >>> widened([0, 0, 0, 0, 200, 200], min_range=0.1)
        (0.0, 20.0)
    """
    minimum, bottom, low, high, top, maximum = found
    if bottom == top:
        bottom, top = minimum, maximum
    missing = min_range * (top - bottom) - (high - low)
    if missing > 0:
        above, below = max(top - high, 0.0), max(low - bottom, 0.0)
        high += missing * above / (above + below)
        low -= missing * below / (above + below)
    return low, high
