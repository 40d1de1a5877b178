"""How much foreground each patch of an image would hold, and places drawn by it.

Most patches of a sparse image are background, and in a crowded one hardly any is. Places are therefore drawn
in given shares from three regimes, those of the dynamic loss in "A Low-Resource Training Strategy for Cell
Segmentation using Patch-Based Attention U-Net": background (no foreground), small (less than 6.25 %), large.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.transforms.padding import sizes_per_axis
from cellseg_monai.transforms.patches import Location


def foreground_per_patch(
    mask: npt.ArrayLike, patch_size: Sequence[int] | int
) -> npt.NDArray[np.unsignedinteger]:
    """Count the foreground of every patch position at once.

    Sums along one axis after the other, each the difference of two running sums: the work is linear in the
    pixels and does not depend on the patch size. The running sums may wrap round; their differences are exact
    all the same, because a patch's own count fits the dtype.

    Args:
        mask: foreground where not zero, without channels, at least as large as a patch.
        patch_size: side of a patch, one number or one for each axis.

    Returns:
        At each position where a patch can start, the number of its foreground pixels.

    Example:
        >>> foreground_per_patch([[1, 0, 0, 1, 1]], patch_size=(1, 2))
        array([[1, 0, 1, 2]], dtype=uint8)
    """
    foreground = np.asarray(mask) != 0
    sizes = sizes_per_axis(patch_size, foreground.ndim, "patch_size")
    if any(length < size for length, size in zip(foreground.shape, sizes, strict=True)):
        raise ValueError(f"the mask {foreground.shape} is smaller than a patch {sizes}; pad it")
    counts: npt.NDArray[np.unsignedinteger] = foreground.astype(np.min_scalar_type(prod(sizes)))
    for axis, size in enumerate(sizes):
        running = _running_sum(counts, axis)
        before = (slice(None),) * axis
        counts = running[(*before, slice(size - 1, None))].copy()
        counts[(*before, slice(1, None))] -= running[(*before, slice(None, -size))]
    return counts


def _running_sum(values: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
    """Sum along an axis in place; slice by slice, because NumPy's own is slow on all but the last axis."""
    if axis == values.ndim - 1:
        return values.cumsum(axis=axis, dtype=values.dtype, out=values)
    for above, here in pairwise(np.moveaxis(values, axis, 0)):
        here += above
    return values


def balanced_locations(
    mask: npt.ArrayLike,
    patch_size: Sequence[int] | int,
    num_samples: int,
    random_state: np.random.RandomState,
    shares: Sequence[float] = (1.0, 1.0, 1.0),
    small_fraction: float = 0.0625,
) -> list[Location]:
    """Draw where random patches start, by regime first and evenly within the regime.

    Args:
        mask: foreground where not zero, without channels, at least as large as a patch.
        patch_size: side of a patch, one number or one for each axis.
        num_samples: how many to draw, with replacement.
        random_state: source of chance.
        shares: weights of patches without foreground, with little, and with much. A regime that the mask
            lacks leaves its share to the others; if nothing is left, those present share evenly.
        small_fraction: part of the patch from which on its foreground is much.

    Returns:
        The starts.

    Raises:
        ValueError: an argument is out of its range, or the mask is smaller than a patch.

    Example:
        >>> mask = [[0, 0, 0, 0, 1]]
        >>> balanced_locations(mask, (1, 2), 3, np.random.RandomState(0), shares=(0, 1, 1))
        [(0, 3), (0, 3), (0, 3)]
    """
    require_balance(shares, small_fraction)
    counts = foreground_per_patch(mask, patch_size)
    threshold = ceil(small_fraction * prod(sizes_per_axis(patch_size, counts.ndim, "patch_size")))
    regimes = (counts > 0).astype(np.uint8) + (counts >= threshold)
    members = np.stack([(regimes == regime).reshape(len(regimes), -1).sum(axis=1) for regime in range(3)])
    present = members.any(axis=1)
    weights = np.where(present, shares, 0.0)
    weights = weights if weights.any() else present.astype(float)
    drawn = random_state.choice(3, size=num_samples, p=weights / weights.sum())
    return [_draw_member(regimes, regime, members[regime].cumsum(), random_state) for regime in drawn]


def require_balance(shares: Sequence[float], small_fraction: float) -> None:
    """Refuse shares and a fraction that :func:`balanced_locations` cannot draw by."""
    if len(shares) != 3 or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        raise ValueError(f"shares must be three weights, none negative and not all 0, not {shares}")
    if not 0 < small_fraction <= 1:
        raise ValueError(f"small_fraction must lie above 0 and not above 1, not {small_fraction}")


def _draw_member(
    regimes: npt.NDArray[np.uint8],
    regime: int,
    members_until: npt.NDArray[np.int64],
    random_state: np.random.RandomState,
) -> Location:
    """One position of the regime, all equally likely; only the slice that holds it is searched."""
    rank = random_state.randint(members_until[-1], dtype=np.int64)
    first = int(np.searchsorted(members_until, rank, side="right"))
    within = np.flatnonzero(regimes[first] == regime)[rank - members_until[first]]  # counted from the end
    return (first, *(int(index) for index in np.unravel_index(within, regimes.shape[1:])))
