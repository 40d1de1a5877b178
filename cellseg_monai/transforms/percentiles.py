"""Exact percentiles of any number of pixels.

``torch.quantile`` refuses more than 16 million values, and sorting takes seconds on a slide. Microscope
images mostly hold whole numbers, also where they are stored as float; these are counted, several times
faster than NumPy selects. Other values are selected without a full sort, or sorted on an accelerator.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

_MOST_LEVELS = 1 << 16
_PIXELS_AT_ONCE = 1 << 17  # a piece that stays in the cache


def percentiles(
    pixels: npt.NDArray[Any] | torch.Tensor, percents: Sequence[float], nonzero: bool = False
) -> list[float]:
    """Percentiles with linear interpolation, equal to those of ``numpy.percentile`` in float64.

    Args:
        pixels: array of any shape, or a tensor on any device.
        percents: from 0 to 100.
        nonzero: leave pixels that are exactly zero out.

    Returns:
        A value for each percent; all NaN if any pixel is NaN or infinite, all 0 if there is no pixel to judge
        by.

    Example:
        >>> percentiles(np.array([0, 0, 1, 2, 3]), [50, 75])
        [1.0, 2.0]
        >>> percentiles(np.array([0, 0, 1, 2, 3]), [50, 75], nonzero=True)
        [2.0, 2.5]
    """
    flat = _flat(pixels)
    histogram = _histogram(flat)
    if histogram is None:
        flat = flat[flat != 0] if nonzero else flat
        count, at_ranks = len(flat), partial(_select, flat)
    else:
        levels, counts = histogram
        if nonzero:
            counts[levels == 0] = 0
        count, at_ranks = int(counts.sum()), partial(_look_up, levels, counts)
    if count == 0:
        return [0.0] * len(percents)
    return interpolated(percents, count, at_ranks)


def interpolated(
    percents: Sequence[float],
    count: int,
    at_ranks: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]],
) -> list[float]:
    """Percentiles of pixels that can be asked for by their place in the sorted image.

    Args:
        percents: from 0 to 100.
        count: how many pixels there are.
        at_ranks: gives the pixels at places, in ascending order.

    Example:
        >>> interpolated([25], 4, lambda ranks: 10.0 * ranks)
        [7.5]
    """
    position = np.array([0, *percents, 100]) / 100 * (count - 1)  # the extremes show every bad pixel
    below = np.floor(position).astype(np.int64)
    ranks, place = np.unique([below, np.minimum(below + 1, count - 1)], return_inverse=True)
    values = at_ranks(ranks)
    if not np.isfinite(values).all():
        return [np.nan] * len(percents)
    left, right = values[place.reshape(2, -1)]
    found: list[float] = (left + (right - left) * (position - below)).tolist()
    return found[1:-1]


def _flat(pixels: Any) -> Any:
    """The pixels in any order; of a tensor in main memory NumPy's view, for it is faster there."""
    if not isinstance(pixels, torch.Tensor):
        return pixels.ravel(order="K")
    tensor = pixels.detach().as_subclass(torch.Tensor)
    if tensor.device.type != "cpu":
        return tensor.flatten()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.numpy().ravel(order="K")


def _histogram(flat: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]] | None:
    """Levels and their counts, or None if counting is no gain: fractions, a wide range, an accelerator."""
    if isinstance(flat, torch.Tensor) or flat.size == 0:
        return None
    low, high = float(flat.min()), float(flat.max())
    if not high - low < _MOST_LEVELS or not low.is_integer():  # also where one of them is NaN or infinite
        return None
    counts = np.zeros(int(high - low) + 1, np.int64)
    for start in range(0, flat.size, _PIXELS_AT_ONCE):
        piece = flat[start : start + _PIXELS_AT_ONCE]
        if flat.dtype.kind == "f" and (np.rint(piece) != piece).any():
            return None
        counts += np.bincount(piece.astype(np.int64) - int(low), minlength=counts.size)
    return low + np.arange(counts.size, dtype=np.float64), counts


def _look_up(
    levels: npt.NDArray[np.float64], counts: npt.NDArray[np.int64], ranks: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """The pixels at the given places of the sorted image, from its histogram."""
    return levels[np.searchsorted(counts.cumsum(), ranks, side="right")]


def _select(flat: Any, ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """The pixels at the given places of the sorted image, from the pixels themselves."""
    if isinstance(flat, torch.Tensor):
        found = flat.sort().values[torch.as_tensor(ranks, device=flat.device)]
        return found.cpu().double().numpy()
    return np.partition(flat, ranks)[ranks].astype(np.float64)
