"""Exact percentiles of any number of pixels.

``torch.quantile`` rejects more than 16 million values, and sorting a slide takes seconds. Microscope images
mostly contain whole numbers, even if they are stored as float. These are counted, which is several times
faster than a selection in NumPy. Other values are selected without a full sort, or sorted on an accelerator.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

_MOST_LEVELS = 1 << 16
_PIXELS_AT_ONCE = 1 << 17  # fits into the processor cache


def percentiles(
    pixels: npt.NDArray[Any] | torch.Tensor, percents: Sequence[float], nonzero: bool = False
) -> list[float]:
    """Return percentiles with linear interpolation, equal to ``numpy.percentile`` in float64.

    Args:
        pixels: array of any shape, or tensor on any device.
        percents: percentages from 0 to 100.
        nonzero: ignore pixels that are exactly 0.

    Returns:
        One value for each percentage; all NaN if any pixel is NaN or infinite, all 0 if there are no pixels.

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
        return interpolated(percents, len(flat), lambda ranks: _select(flat, ranks))
    levels, counts = histogram
    if nonzero:
        counts[levels == 0] = 0
    ends = counts.cumsum()
    return interpolated(percents, int(ends[-1]), lambda ranks: levels[ends.searchsorted(ranks, side="right")])


def interpolated(
    percents: Sequence[float],
    count: int,
    at_ranks: Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]],
) -> list[float]:
    """Return percentiles, given a function that returns pixels by their rank.

    Args:
        percents: percentages from 0 to 100.
        count: number of pixels.
        at_ranks: function from ascending ranks in the sorted image to the pixels there.

    Example:
        >>> interpolated([25], 4, lambda ranks: 10.0 * ranks)
        [7.5]
        >>> interpolated([25], 0, lambda ranks: 10.0 * ranks)
        [0.0]
    """
    if count == 0:
        return [0.0] * len(percents)
    ranks = needed_ranks(percents, count)
    values = at_ranks(ranks)
    if not np.isfinite(values).all():
        return [np.nan] * len(percents)
    position = np.array(percents) / 100 * (count - 1)
    below = np.floor(position).astype(np.int64)
    left, right = (values[ranks.searchsorted(rank)] for rank in (below, np.minimum(below + 1, count - 1)))
    found: list[float] = (left + (right - left) * (position - below)).tolist()
    return found


def needed_ranks(percents: Sequence[float], count: int) -> npt.NDArray[np.int64]:
    """Return the ranks of the pixels that :func:`interpolated` needs, with both ends, which reveal NaN.

    Example:
        >>> needed_ranks([25], 4)
        array([0, 1, 3])
    """
    below = np.floor(np.array([0, *percents, 100]) / 100 * (count - 1)).astype(np.int64)
    return np.unique([below, np.minimum(below + 1, count - 1)])


def _flat(pixels: Any) -> Any:
    """Return the pixels in any order; a tensor in main memory becomes a NumPy view, which is faster."""
    if not isinstance(pixels, torch.Tensor):
        return pixels.ravel(order="K")
    tensor = pixels.detach().as_subclass(torch.Tensor)
    if tensor.device.type != "cpu":
        return tensor.flatten()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.float()
    return tensor.numpy().ravel(order="K")


def _histogram(flat: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]] | None:
    """Return levels and their counts, or None for fractions, a wide range or an accelerator."""
    if isinstance(flat, torch.Tensor) or flat.size == 0:
        return None
    low, high = float(flat.min()), float(flat.max())
    if not high - low < _MOST_LEVELS or not low.is_integer():  # true for NaN and infinity too
        return None
    counts = np.zeros(int(high - low) + 1, np.int64)
    for start in range(0, flat.size, _PIXELS_AT_ONCE):
        piece = flat[start : start + _PIXELS_AT_ONCE]
        if flat.dtype.kind == "f" and (np.rint(piece) != piece).any():
            return None
        counts += np.bincount(piece.astype(np.int64) - int(low), minlength=counts.size)
    return low + np.arange(counts.size, dtype=np.float64), counts


def _select(flat: Any, ranks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the pixels of the given ranks from the pixels themselves."""
    if isinstance(flat, torch.Tensor):
        found = flat.sort().values[torch.as_tensor(ranks, device=flat.device)]
        return found.cpu().double().numpy()
    return np.partition(flat, ranks)[ranks].astype(np.float64)
