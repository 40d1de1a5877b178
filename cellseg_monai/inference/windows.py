"""Positions of the windows on an image, and the weights of their pixels.

Axes are in the order of the image. Windows with the same start along the first axis form a row, in 3-D a
slab. Rows come in reading order, so only a band of an image of any height must be in memory at a time.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal, NamedTuple

import torch
from monai.data.utils import compute_importance_map

Blending = Literal["gaussian", "constant"]
"""Weights of overlapping windows: highest in the middle of each, or equal for all pixels."""

Place = tuple[int, ...]
"""First pixel of a window along each axis."""


class Row(NamedTuple):
    """Windows with the same start along the first axis.

    Attributes:
        start: first pixel along the first axis.
        places: positions of the windows, in reading order.
        final: pixel along the first axis up to which the image is final, because later windows start there.
    """

    start: int
    places: list[Place]
    final: int


@dataclass(frozen=True)
class Tiling:
    """Windows of one size that cover an image.

    An image smaller than the window is padded equally on both sides, as in MONAI. Positions count from the
    first pixel of the padded image.

    Attributes:
        shape: spatial shape of the image.
        window: size of each window.
        starts: first pixels of the windows along each axis, ascending.

    Example:
        >>> tiling = Tiling(shape=(5, 4), window=(4, 4), starts=((0, 1), (0,)))
        >>> [(row.places, row.final) for row in tiling.rows()]
        [([(0, 0)], 1), ([(1, 0)], 5)]
    """

    shape: tuple[int, ...]
    window: tuple[int, ...]
    starts: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return math.prod(map(len, self.starts))

    @property
    def padded(self) -> tuple[int, ...]:
        """Shape of the image after padding."""
        return tuple(map(max, self.shape, self.window))

    @property
    def before(self) -> tuple[int, ...]:
        """Number of padded pixels before the image along each axis."""
        return tuple((padded - side) // 2 for padded, side in zip(self.padded, self.shape, strict=True))

    def rows(self) -> Iterator[Row]:
        """Yield the rows from first to last."""
        first, *others = self.starts
        for start, final in zip(first, (*first[1:], self.padded[0]), strict=True):
            yield Row(start, [(start, *other) for other in product(*others)], final)

    def box(self, place: Place) -> tuple[slice, ...]:
        """Return the pixels of a window, one slice per axis."""
        return tuple(slice(start, start + side) for start, side in zip(place, self.window, strict=True))


def sliding_tiling(shape: Sequence[int], window: Sequence[int], overlap: Sequence[float]) -> Tiling:
    """Return windows at equal steps, as in MONAI; the last window of each axis is moved back to the edge.

    Args:
        shape: spatial shape of the image.
        window: size of the windows.
        overlap: overlap of neighbours along each axis, as a fraction of the window below 1 or in pixels.

    Raises:
        ValueError: an overlap is negative, or as large as the window.

    Example:
        >>> sliding_tiling((10, 3), window=(4, 4), overlap=(0.25, 0.25)).starts
        ((0, 3, 6), (0,))
    """
    steps = map(step_between, window, overlap)
    starts = (
        tuple(min(place, last) for place in range(0, last + step, step))
        for last, step in zip(
            (max(length - side, 0) for length, side in zip(shape, window, strict=True)), steps, strict=True
        )
    )
    return Tiling(tuple(shape), tuple(window), tuple(starts))


def fitted_tiling(
    shape: Sequence[int], pixels: int, overlap: Sequence[int], least: Sequence[int], multiple: int = 32
) -> Tiling:
    """Return the largest equal windows that cover an image and share little more than the overlap.

    If the last window is moved back to the edge, much of the image is computed twice: nearly half of it for
    1,024-pixel windows on 1,100 pixels. Here the windows are fitted to the image. Sizes and positions are
    multiples of 32, except for the last position of an axis, so that a network with halvings halves the image
    in the same way in each window.

    Args:
        shape: spatial shape of the image.
        pixels: approximate number of pixels of a window.
        overlap: smallest overlap of neighbours along each axis, in pixels.
        least: smallest size of a window if the image has that size, even if ``pixels`` is smaller.
        multiple: number whose multiples the sizes and positions are.

    Example:
        >>> tiling = fitted_tiling((1100, 500), pixels=512**2, overlap=(32, 32), least=(128, 128))
        >>> tiling.window, tiling.starts
        ((576, 512), ((0, 524), (0,)))
    """
    overlap = [_round_up(share, multiple) for share in overlap]
    largest = _share_out(pixels, shape)
    fits = [
        _fit(length, max(side, floor, 2 * share), share, multiple)
        for length, side, floor, share in zip(shape, largest, least, overlap, strict=True)
    ]
    return Tiling(tuple(shape), tuple(side for side, _ in fits), tuple(starts for _, starts in fits))


def step_between(side: int, overlap: float) -> int:
    """Return the step between windows along one axis, rounded as in MONAI.

    Args:
        side: side of the windows.
        overlap: overlap of neighbours, as a fraction below 1 or a whole number of pixels.

    Example:
        >>> step_between(128, 0.25), step_between(128, 16)
        (96, 112)
    """
    if isinstance(overlap, int) and 0 <= overlap < side:
        return side - overlap
    if 0 <= overlap < 1:
        return max(int(side * (1 - overlap)), 1)
    raise ValueError(
        f"overlap must be a fraction from 0 to below 1, or a whole number of pixels below the {side} of the "
        f"window, not {overlap!r}"
    )


@lru_cache(maxsize=4)
def blending_weights(
    window: tuple[int, ...], patch: tuple[int, ...], blending: Blending, sigma_scale: float
) -> torch.Tensor:
    """Return the weight of each pixel of a window relative to other windows.

    Args:
        window: size of the window.
        patch: size of a patch. Towards its edges the window has the weights of the patch, and in between
            those of its middle. So a large window blends into its neighbour over as few pixels as a small
            one.
        blending: "gaussian" as in MONAI, or "constant".
        sigma_scale: standard deviation of the Gaussian, in sides of the patch.

    Returns:
        Weights with the shape of the window. They are cached, so do not change them.

    Raises:
        ValueError: the blending is unknown.

    Example:
        >>> blending_weights((8,), (4,), "gaussian", 0.25)
        tensor([0.3247, 0.8825, 0.8825, 0.8825, 0.8825, 0.8825, 0.8825, 0.3247])
    """
    patch = tuple(map(min, patch, window))
    weights: torch.Tensor = compute_importance_map(patch, blending, sigma_scale)
    for axis, (side, small) in enumerate(zip(window, patch, strict=True)):
        index = torch.arange(side)
        from_end = index - side + small
        nearest = torch.where(
            index < small // 2, index, torch.where(from_end >= small // 2, from_end, small // 2)
        )
        weights = weights.index_select(axis, nearest)
    return weights


def _share_out(pixels: int, shape: Sequence[int]) -> list[int]:
    """Return the sides of a window with this number of pixels, as equal as the image allows."""
    sides = dict.fromkeys(range(len(shape)), 1)
    for done, axis in enumerate(sorted(sides, key=lambda axis: shape[axis])):
        left = pixels / math.prod(sides.values())
        sides[axis] = max(1, min(shape[axis], math.floor(left ** (1 / (len(shape) - done)))))
    return list(sides.values())


def _fit(length: int, largest: int, overlap: int, multiple: int) -> tuple[int, tuple[int, ...]]:
    """Return side and starts of equal windows along one axis, with a side close to ``largest``."""
    count = round((length - overlap) / (largest - overlap))
    if length <= largest or count < 2:
        return _round_up(length, multiple), (0,)
    side = _round_up((length + (count - 1) * overlap) / count, multiple)
    last = length - side
    step = _round_up(last / (count - 1), multiple)
    return side, tuple(sorted({min(number * step, last) for number in range(count)}))


def _round_up(value: float, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple
