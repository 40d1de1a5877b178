"""The limits of an image that does not fit into memory, exactly those of the whole.

A sample of the pixels, or a small level of a pyramid, would move the percentiles: averaged pixels are less
bright than the brightest. Here every pixel counts. A sorted image is not needed to find the pixel at a place
in it: the upper 16 bits of all pixels are counted, and then the lower ones of those that share their upper
bits with the pixel looked for. Images of 8 or 16 bits are read once, others twice.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.transforms.limits import Limits, check_settings, judged_by, widened
from cellseg_monai.transforms.percentiles import interpolated

Parts = Callable[[], Iterable[npt.NDArray[Any]]]
"""Reads the image once more: parts of it, channels first, that make up the whole without overlap."""

_LEVELS = 1 << 16
_SIGN = np.uint32(1 << 31)


def streamed_limits(
    parts: Parts,
    lower: float = 1.0,
    upper: float = 99.0,
    nonzero: bool = False,
    channel_wise: bool = True,
    min_range: float = 0.1,
) -> Limits:
    """What :func:`intensity_limits` says of the whole image, read part by part.

    The two agree to the last digit for pixels of up to 16 bits and for float32; wider types are taken as
    float32, as MONAI's ``LoadImage`` does. Memory is that of a part, and half a megabyte a channel.

    Args:
        parts: called for each reading.
        lower: percentile that becomes 0.
        upper: percentile that becomes 1.
        nonzero: leave pixels that are exactly zero out of the statistics.
        channel_wise: give each channel limits of its own.
        min_range: narrowest range as a share of the spread, see :func:`intensity_limits`.

    Returns:
        Array of shape (channels, 2), or (1, 2) if not ``channel_wise``.

    Raises:
        ValueError: a setting is out of its range, there are no pixels, or some are NaN or infinite.

    Example:
        >>> image = np.arange(101, dtype=np.uint8).reshape(1, 1, 101)
        >>> streamed_limits(lambda: [image[..., :40], image[..., 40:]], lower=2, upper=98)
        array([[ 2., 98.]])
    """
    check_settings(lower, upper, min_range)
    upper_bits: list[npt.NDArray[np.int64]] = []
    zeros: list[Any] = []
    bits, offset = 16, 0
    for part in parts():
        channels, bits, offset = _keys(part, channel_wise)
        upper_bits = upper_bits or [np.zeros(_LEVELS, np.int64) for _ in channels]
        zeros = zeros or [0] * len(channels)
        for number, keys in enumerate(channels):
            upper_bits[number] += np.bincount(keys >> (bits - 16), minlength=_LEVELS)
            zeros[number] += keys.size - np.count_nonzero(keys - keys.dtype.type(offset)) if nonzero else 0
    if not upper_bits:
        raise ValueError("the image has no parts; the stretch needs pixels")
    for counts, without in zip(upper_bits, zeros, strict=True):
        counts[offset >> (bits - 16)] -= without
    percents = judged_by(lower, upper)
    finders = [_Finder(counts, percents) for counts in upper_bits]
    if bits == 32:
        for part in parts():
            for finder, keys in zip(finders, _keys(part, channel_wise)[0], strict=True):
                finder.look_closer(keys)
        for finder, without in zip(finders, zeros, strict=True):
            finder.leave_out(offset, without)
    return np.array([widened(finder.percentiles(bits, offset), min_range) for finder in finders])


class _Finder:
    """The pixels of one channel at places of the sorted image."""

    def __init__(self, upper_bits: npt.NDArray[np.int64], percents: tuple[float, ...]) -> None:
        self.percents = percents
        self.count = int(upper_bits.sum())
        self.ends = upper_bits.cumsum()
        self.lower_bits: npt.NDArray[np.int64] = np.empty((0, _LEVELS), np.int64)
        self.row_of = np.full(_LEVELS, -1)  # for the upper bits that matter the row of their lower ones
        if self.count:
            interpolated(percents, self.count, self._note)

    def _note(self, ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        found = np.unique(self.ends.searchsorted(ranks, side="right"))
        self.row_of[found] = np.arange(len(found))
        self.lower_bits = np.zeros((len(found), _LEVELS), np.int64)
        return np.zeros(len(ranks))

    def look_closer(self, keys: npt.NDArray[Any]) -> None:
        rows = self.row_of[keys >> 16]
        near = rows >= 0
        counts = np.bincount(rows[near] * _LEVELS + (keys[near] & 0xFFFF), minlength=self.lower_bits.size)
        self.lower_bits += counts.reshape(self.lower_bits.shape)

    def leave_out(self, key: int, pixels: int) -> None:
        if self.row_of[key >> 16] >= 0:
            self.lower_bits[self.row_of[key >> 16], key & 0xFFFF] -= pixels

    def percentiles(self, bits: int, offset: int) -> list[float]:
        def at_ranks(ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
            high = self.ends.searchsorted(ranks, side="right")
            if bits == 16:
                return (high - offset).astype(np.float64)
            before = np.where(high > 0, self.ends[high - 1], 0)
            low = [
                self.lower_bits[self.row_of[upper]].cumsum().searchsorted(rank, side="right")
                for upper, rank in zip(high, ranks - before, strict=True)
            ]
            return _floats(np.array(high << 16 | low, np.uint32))

        return interpolated(self.percents, self.count, at_ranks) if self.count else [0.0] * len(self.percents)


def _keys(part: npt.NDArray[Any], channel_wise: bool) -> tuple[list[npt.NDArray[Any]], int, int]:
    """Pixels of each channel as unsigned numbers in the same order; their bits; the number of zero."""
    part = np.asarray(part)
    if part.ndim < 2 or 0 in part.shape:
        raise ValueError(f"a part has shape {part.shape}; the stretch needs pixels, channels first")
    channels = [channel.ravel() for channel in part] if channel_wise else [part.ravel()]
    if part.dtype.kind in "bui" and part.dtype.itemsize <= 2:
        lowest = int(np.iinfo(part.dtype).min) if part.dtype.kind == "i" else 0
        return [channel.astype(np.int64) - lowest for channel in channels], 16, -lowest
    values = [channel.astype(np.float32) + np.float32(0) for channel in channels]  # of -0 it makes 0
    if not all(np.isfinite(channel).all() for channel in values):
        raise ValueError(
            "the image has NaN or infinite pixels; replace them, for instance by numpy.nan_to_num, before "
            "the stretch"
        )
    keys = [channel.view(np.uint32) for channel in values]
    return [np.where(key & _SIGN, ~key, key | _SIGN) for key in keys], 32, int(_SIGN)


def _floats(keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.float64]:
    return np.where(keys & _SIGN, keys ^ _SIGN, ~keys).view(np.float32).astype(np.float64)
