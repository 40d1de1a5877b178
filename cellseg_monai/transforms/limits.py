"""The two intensities between which an image is stretched.

Where cells cover one pixel in a hundred, the usual percentiles both lie in the background, and its noise
would fill the range. The range is therefore never narrower than a share of the spread of the image.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from cellseg_monai.transforms.percentiles import percentiles
from cellseg_monai.transforms.provenance import origin

Limits = npt.NDArray[np.float64]

_TAILS = (0.01, 99.99)  # what lies beyond counts as hot or dead pixels, not as the spread of the image


def intensity_limits(
    image: npt.NDArray[Any] | torch.Tensor,
    lower: float = 1.0,
    upper: float = 99.0,
    nonzero: bool = False,
    channel_wise: bool = True,
    min_range: float = 0.1,
) -> Limits:
    """The intensities that become 0 and 1.

    They are the two percentiles, with linear interpolation as in NumPy. If they lie closer together than
    ``min_range`` times the spread of the image (from its 0.01th to its 99.99th percentile, or from minimum to
    maximum where these two coincide), the range is widened to that. The missing width is shared out in
    proportion to what lies beyond each limit: upward where few bright objects lie on a dark ground, downward
    for dark ones on a bright ground.

    Args:
        image: channel-first array or tensor, the whole image and not a crop.
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        nonzero: leave pixels that are exactly zero out of the statistics.
        channel_wise: give each channel limits of its own.
        min_range: narrowest range as a share of the spread, 0 to 1; 0 gives the plain percentiles.

    Returns:
        Array of shape (channels, 2), or (1, 2) if not ``channel_wise``; zeros where there are no pixels to
        judge by, that is for an all-zero channel with ``nonzero``.

    Raises:
        ValueError: a setting is out of its range, or the image is empty or has NaN or infinite pixels.

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
            f"{origin(image)} has shape {tuple(image.shape)}; the stretch needs pixels, channels first"
        )
    pixels: Any = image.as_subclass(torch.Tensor) if isinstance(image, torch.Tensor) else image
    channels = pixels if channel_wise else pixels[None]
    limits = [_channel_limits(channel, lower, upper, nonzero, min_range) for channel in channels]
    if not np.isfinite(limits).all():
        bad = int((~(abs(pixels) < math.inf)).sum())
        raise ValueError(
            f"{origin(image)} has {bad} NaN or infinite pixels of {math.prod(image.shape)}; replace them, "
            "for instance by numpy.nan_to_num, before the stretch"
        )
    return np.array(limits)


def check_settings(lower: float, upper: float, min_range: float) -> None:
    """Refuse settings that :func:`intensity_limits` cannot work with.

    Example:
        >>> check_settings(lower=99, upper=1, min_range=0.1)
        Traceback (most recent call last):
        ...
        ValueError: percentiles must be 0 <= lower < upper <= 100, not lower 99, upper 1
    """
    if not 0 <= lower < upper <= 100:
        raise ValueError(f"percentiles must be 0 <= lower < upper <= 100, not lower {lower}, upper {upper}")
    if not 0 <= min_range <= 1:
        raise ValueError(f"min_range is a share of the spread, from 0 to 1, not {min_range}")


def _channel_limits(
    channel: Any, lower: float, upper: float, nonzero: bool, min_range: float
) -> tuple[float, float]:
    return widened(percentiles(channel, judged_by(lower, upper), nonzero), min_range)


def judged_by(lower: float, upper: float) -> tuple[float, ...]:
    """The percentiles that :func:`widened` takes."""
    return (0, _TAILS[0], lower, upper, _TAILS[1], 100)


def widened(found: Sequence[float], min_range: float) -> tuple[float, float]:
    """The third and fourth of the percentiles, moved apart where they are too close.

    Args:
        found: those of :func:`judged_by`.
        min_range: see :func:`intensity_limits`.

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
