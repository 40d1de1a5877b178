"""Where windows lie on an image, and how much each of their pixels counts. No networks, no pixels.

Axes are in the order of the image. The windows of one start along the first axis are a row, in 3-D a slab.
Rows come in reading order, so that of an image of any height only a band need be held at a time.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal, NamedTuple, get_args

import torch
from monai.data.utils import compute_importance_map

Blending = Literal["gaussian", "constant"]
"""How windows are joined where they overlap: the middle of each counts most, or all pixels alike."""

Place = tuple[int, ...]
"""The first pixel of a window, one number for each axis."""


class Row(NamedTuple):
    """The windows that share a start along the first axis.

    Attributes:
        start: along the first axis.
        places: of the windows, in reading order.
        final: up to here, along the first axis, no later window reaches: the image is finished.
    """

    start: int
    places: list[Place]
    final: int


@dataclass(frozen=True)
class Tiling:
    """Windows of one size that cover an image.

    An image smaller than the window is padded by half of what lacks on either side, as MONAI does. Places
    count from the first pixel of the padded image.

    Attributes:
        shape: of the image.
        window: size of each window.
        starts: of the windows along each axis, ascending.

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
        """Pixels that are padded before the first one of each axis."""
        return tuple((padded - side) // 2 for padded, side in zip(self.padded, self.shape, strict=True))

    def rows(self) -> Iterator[Row]:
        """The rows from first to last."""
        first, *others = self.starts
        for start, final in zip(first, (*first[1:], self.padded[0]), strict=True):
            yield Row(start, [(start, *other) for other in product(*others)], final)


def sliding_tiling(shape: Sequence[int], window: Sequence[int], overlap: Sequence[float]) -> Tiling:
    """Windows at even steps; the last one of each axis is moved back to the edge. MONAI's places.

    Args:
        shape: of the image.
        window: size of the windows.
        overlap: of neighbours along each axis, a fraction of the window below 1 or so many pixels.

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
    """The largest equal windows that cover an image with next to nothing computed twice but the overlap.

    Windows moved back to the edge compute much of the image again: with 1,024-pixel windows on 1,100 pixels,
    nearly half of it. Here the windows are made to fit the image. Sizes and places are multiples of 32, but
    for the last place of an axis, so that a network that halves the image halves it alike in each window.

    Args:
        shape: of the image.
        pixels: of a window, roughly.
        overlap: of neighbours along each axis, at least so many pixels.
        least: size that a window has where the image has it too, whatever ``pixels`` says.
        multiple: of sizes and places.

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
    """From window to window, rounded as MONAI does.

    Args:
        side: of the windows along one axis.
        overlap: a fraction below 1, or a whole number of pixels.

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
    """How much each pixel of a window counts against those of other windows.

    Args:
        window: its size.
        patch: size whose weights the window has towards its edges; between them they are as in the middle.
            So a large window gives way to its neighbour over the same few pixels as a small one.
        blending: "gaussian" as MONAI has it, or "constant".
        sigma_scale: deviation of the Gaussian, in sides of the patch.

    Returns:
        Weights of the window's shape. They are kept: do not write into them.

    Raises:
        ValueError: an unknown blending.

    Example:
        >>> blending_weights((8,), (4,), "gaussian", 0.25)
        tensor([0.3247, 0.8825, 0.8825, 0.8825, 0.8825, 0.8825, 0.8825, 0.3247])
    """
    check_blending(blending)
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


def check_blending(blending: str) -> None:
    """Refuse what is no name of a blending.

    Example:
        >>> check_blending("constant")
    """
    if blending not in get_args(Blending):
        raise ValueError(f"blending must be one of {', '.join(get_args(Blending))}, not {blending!r}")


def _share_out(pixels: int, shape: Sequence[int]) -> list[int]:
    """Sides of a window of so many pixels, as equal as the image allows."""
    sides = dict.fromkeys(range(len(shape)), 1)
    for done, axis in enumerate(sorted(sides, key=lambda axis: shape[axis])):
        left = pixels / math.prod(sides.values())
        sides[axis] = max(1, min(shape[axis], math.floor(left ** (1 / (len(shape) - done)))))
    return list(sides.values())


def _fit(length: int, largest: int, overlap: int, multiple: int) -> tuple[int, tuple[int, ...]]:
    """Side of equal windows along one axis, as near to ``largest`` as fits, and their starts."""
    count = round((length - overlap) / (largest - overlap))
    if length <= largest or count < 2:
        return _round_up(length, multiple), (0,)
    side = _round_up((length + (count - 1) * overlap) / count, multiple)
    last = length - side
    step = _round_up(last / (count - 1), multiple)
    return side, tuple(sorted({min(number * step, last) for number in range(count)}))


def _round_up(value: float, multiple: int) -> int:
    return math.ceil(value / multiple) * multiple
