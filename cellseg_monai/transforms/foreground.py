"""Amount of foreground in each possible patch of an image, and patch locations drawn by it.

In a sparse image most patches are background, and in a crowded one hardly any are. Locations are therefore
drawn in given shares from the three regimes of the dynamic loss in "A Low-Resource Training Strategy for Cell
Segmentation using Patch-Based Attention U-Net": background (no foreground), small (less than 6.25 %), large.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import ceil, prod
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.transforms.patches import Location, Sizes, sizes_per_axis


def foreground_per_patch(mask: npt.ArrayLike, patch_size: Sizes) -> npt.NDArray[np.unsignedinteger]:
    """Count the foreground pixels of the patch at every possible location.

    The sum along each axis is the difference of two running sums, so the time grows with the number of pixels
    and does not depend on the patch size. The running sums may overflow. Their differences are still exact,
    because the count of one patch fits the dtype.

    Args:
        mask: mask without channel axis, at least as large as a patch; foreground is not 0.
        patch_size: side of a patch, one number or one for each axis.

    Returns:
        Number of foreground pixels of the patch that starts at each pixel.

    Example:
        >>> foreground_per_patch([[1, 0, 0, 1, 1]], patch_size=(1, 2))
        array([[1, 0, 1, 2]], dtype=uint8)
    """
    foreground = np.asarray(mask) != 0
    sizes = sizes_per_axis(patch_size, foreground.ndim, "patch_size")
    if any(length < size for length, size in zip(foreground.shape, sizes, strict=True)):
        raise ValueError(f"the mask {foreground.shape} is smaller than a patch {sizes}; pad the mask")
    counts: npt.NDArray[np.unsignedinteger] = foreground.astype(np.min_scalar_type(prod(sizes)))
    for axis, size in enumerate(sizes):
        running = _running_sum(counts, axis)
        before = (slice(None),) * axis
        counts = running[(*before, slice(size - 1, None))].copy()
        counts[(*before, slice(1, None))] -= running[(*before, slice(None, -size))]
    return counts


def _running_sum(values: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
    """Sum along an axis in place, slice by slice: NumPy's ``cumsum`` is slow on all but the last axis."""
    if axis == values.ndim - 1:
        return values.cumsum(axis=axis, dtype=values.dtype, out=values)
    for above, here in pairwise(np.moveaxis(values, axis, 0)):
        here += above
    return values


def balanced_locations(
    mask: npt.ArrayLike,
    patch_size: Sizes,
    num_samples: int,
    random_state: np.random.RandomState,
    *,
    shares: Sequence[float] = (1.0, 1.0, 1.0),
    small_fraction: float = 0.0625,
) -> list[Location]:
    """Draw locations of random patches: first a regime, then a location of that regime.

    All locations of a regime are equally likely.

    Args:
        mask: mask without channel axis, at least as large as a patch; foreground is not 0.
        patch_size: side of a patch, one number or one for each axis.
        num_samples: number of locations to draw, with replacement.
        random_state: random number generator.
        shares: weights of patches without foreground, with little foreground, and with much foreground. If
            the mask has no patch of one regime, the others share its weight. If all their weights are 0, the
            regimes that are present have equal weights.
        small_fraction: fraction of foreground from which on a patch has much foreground.

    Returns:
        The locations.

    Raises:
        ValueError: an argument is out of range, or the mask is smaller than a patch.

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
    until = members.cumsum(axis=1)

    def draw(regime: int) -> Location:
        rank = random_state.randint(until[regime, -1], dtype=np.int64)
        first = int(np.searchsorted(until[regime], rank, side="right"))  # the only slice to search
        within = np.flatnonzero(regimes[first] == regime)[rank - until[regime, first]]  # from the end
        return (first, *(int(index) for index in np.unravel_index(within, regimes.shape[1:])))

    return [draw(regime) for regime in drawn]


def require_balance(shares: Sequence[float], small_fraction: float) -> None:
    """Raise if :func:`balanced_locations` cannot use the shares or the fraction."""
    if len(shares) != 3 or min(shares) < 0 or not 0 < sum(shares) < float("inf"):
        raise ValueError(f"shares must be three weights, not negative and not all 0, but are {shares}")
    if not 0 < small_fraction <= 1:
        raise ValueError(f"small_fraction must be above 0 and at most 1, not {small_fraction}")
