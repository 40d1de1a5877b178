"""Exact intensity limits of an image that does not fit into memory.

A sample of the pixels, or a small level of a pyramid, would shift the percentiles: averaged pixels are less
bright than the brightest ones. Here every pixel counts, but no image is sorted. The first pass counts the
upper 16 bits of all pixels, the second the lower 16 bits of the pixels near the percentiles. Images with 8 or
16 bits need only the first pass.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.transforms.limits import Limits, check_settings, needed_percentiles, widened
from cellseg_monai.transforms.percentiles import interpolated, needed_ranks

Parts = Callable[[], Iterable[npt.NDArray[Any]]]
"""Function that reads the image once more: channel-first parts that cover it without overlap."""

Keys = npt.NDArray[np.uint32]

_LEVELS = 1 << 16
_SIGN = np.uint32(1 << 31)


def streamed_limits(
    parts: Parts,
    lower: float = 1.0,
    upper: float = 99.0,
    *,
    nonzero: bool = False,
    channel_wise: bool = True,
    min_range: float = 0.1,
) -> Limits:
    """Return the :func:`intensity_limits` of an image that is read in parts.

    Both functions agree to the last digit for pixels of up to 16 bits and for float32. Wider types are
    converted to float32, as in MONAI's ``LoadImage``. Memory use is that of a part, plus some megabytes.

    Args:
        parts: function that reads the image; it is called once or twice.
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        nonzero: ignore pixels that are exactly 0.
        channel_wise: compute separate limits for each channel.
        min_range: smallest range as a fraction of the spread, see :func:`intensity_limits`.

    Returns:
        Array of shape (channels, 2), or (1, 2) without ``channel_wise``.

    Raises:
        ValueError: an option is out of range, there are no pixels, or some are NaN or infinite.

    Example:
        >>> image = np.arange(101, dtype=np.uint8).reshape(1, 1, 101)
        >>> streamed_limits(lambda: [image[..., :40], image[..., 40:]], lower=2, upper=98)
        array([[ 2., 98.]])
    """
    check_settings(lower, upper, min_range)
    percents = needed_percentiles(lower, upper)
    uppers: list[npt.NDArray[np.int64]] = []
    for part in parts():
        ordered = _ordered(part, channel_wise, nonzero)
        uppers = uppers or [np.zeros(_LEVELS, np.int64) for _ in ordered.channels]
        for upper_bits, keys in zip(uppers, ordered.channels, strict=True):
            upper_bits += np.bincount(keys >> 16, minlength=_LEVELS)
    if not uppers:
        raise ValueError("the image has no parts; give at least one part with pixels")
    channels = [_Channel(upper_bits, percents, ordered.whole_numbers) for upper_bits in uppers]
    if not ordered.whole_numbers:
        for part in parts():
            for channel, keys in zip(channels, _ordered(part, channel_wise, nonzero).channels, strict=True):
                channel.count_lower_bits(keys)
    found = [channel.percentiles(percents, ordered.values) for channel in channels]
    return np.array([widened(percentiles, min_range) for percentiles in found])


class _Channel:
    """Counts of one channel: upper bits of all keys, lower bits of the keys near the percentiles."""

    def __init__(
        self, upper_bits: npt.NDArray[np.int64], percents: Sequence[float], whole_numbers: bool
    ) -> None:
        self.starts = np.concatenate([[0], upper_bits.cumsum()])
        self.total = int(self.starts[-1])
        self.lower: dict[int, npt.NDArray[np.int64]] = {}
        for upper in self._upper(needed_ranks(percents, self.total)) if self.total else ():
            counts = self.lower.setdefault(int(upper), np.zeros(_LEVELS, np.int64))
            counts[0] = upper_bits[upper] if whole_numbers else 0

    def count_lower_bits(self, keys: Keys) -> None:
        for upper, counts in self.lower.items():
            counts += np.bincount(keys[keys >> 16 == upper] & 0xFFFF, minlength=_LEVELS)

    def percentiles(
        self, percents: Sequence[float], values: Callable[[Keys], npt.NDArray[np.float64]]
    ) -> list[float]:
        def at_ranks(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
            high = self._upper(ranks)
            low = [
                self.lower[upper].cumsum().searchsorted(rank, side="right")
                for upper, rank in zip(high, ranks - self.starts[high], strict=True)
            ]
            return values(np.array(high << 16 | low, np.uint32))

        return interpolated(percents, self.total, at_ranks)

    def _upper(self, ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Return the upper bits of the pixels of the given ranks."""
        return self.starts.searchsorted(ranks, side="right") - 1


class _Ordered(NamedTuple):
    """Pixels as unsigned 32-bit keys that sort in the same order, one array per channel."""

    channels: list[Any]
    whole_numbers: bool  # all information is in the upper 16 bits
    values: Callable[[Keys], npt.NDArray[np.float64]]  # from keys to pixels


def _ordered(part: npt.NDArray[Any], channel_wise: bool, nonzero: bool) -> _Ordered:
    part = np.asarray(part)
    if part.ndim < 2 or 0 in part.shape:
        raise ValueError(f"a part has shape {part.shape}; give channel-first parts that are not empty")
    channels = [channel.ravel() for channel in part] if channel_wise else [part.ravel()]
    channels = [channel[channel != 0] for channel in channels] if nonzero else channels
    if part.dtype.kind in "bui" and part.dtype.itemsize <= 2:
        lowest = int(np.iinfo(part.dtype).min) if part.dtype.kind == "i" else 0
        keys = [(channel.astype(np.int32) - lowest).astype(np.uint32) << 16 for channel in channels]
        return _Ordered(keys, True, lambda keys: (keys >> 16).astype(np.float64) + lowest)
    floats = [channel.astype(np.float32) + np.float32(0) for channel in channels]  # turns -0 into 0
    if not all(np.isfinite(channel).all() for channel in floats):
        raise ValueError(
            "the image has NaN or infinite pixels; replace them before the stretch, for example with "
            "numpy.nan_to_num"
        )
    bits = [channel.view(np.uint32) for channel in floats]
    return _Ordered([np.where(key & _SIGN, ~key, key | _SIGN) for key in bits], False, _floats)


def _floats(keys: Keys) -> npt.NDArray[np.float64]:
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).view(np.float32).astype(np.float64)
