"""Images that are read part by part, because they do not fit into memory."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Protocol

import numpy as np

PixelSize = Sequence[float] | None
"""Micrometres along x and y (and z); None if they are not known."""


class Pixels(Protocol):
    """Anything that returns part of an image when indexed: an array, a memory-mapped file, a Zarr array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""

    @property
    def dtype(self) -> Any:
        """Data type of the pixels."""

    def __getitem__(self, box: Any) -> Any:
        """Read part of the image."""


def boxes(shape: Sequence[int], side: int) -> Iterator[tuple[slice, ...]]:
    """Cut an image into square tiles of one plane each, in reading order.

    Example:
        >>> [(box[1], box[2]) for box in boxes((1, 2, 3), side=2)]
        [(slice(0, 2, None), slice(0, 2, None)), (slice(0, 2, None), slice(2, 3, None))]
    """
    steps = (*(1 for _ in shape[:-2]), side, side)
    return product(
        *(
            [slice(start, min(start + step, length)) for start in range(0, length, step)]
            for length, step in zip(shape, steps, strict=True)
        )
    )


def require_axes(axes: str, shape: Sequence[int], known: str = "") -> None:
    """Raise if the axes do not match the shape.

    Args:
        axes: one letter per dimension.
        shape: shape of the image.
        known: letters that the format supports; any letter if empty.

    Raises:
        ValueError: the number of axes is wrong, the last two are not Y and X, or an axis is not supported.

    Example:
        >>> require_axes("XY", (70, 90))
        Traceback (most recent call last):
        ...
        ValueError: axes must name the dimensions of (70, 90) and end with YX, not 'XY'
    """
    if len(axes) != len(shape) or not axes.endswith("YX") or not set(axes) <= set(known or axes):
        supported = f" from {known}" if known else ""
        raise ValueError(
            f"axes must name the dimensions of {tuple(shape)}{supported} and end with YX, not {axes!r}"
        )


def known_size(pixel_size: PixelSize) -> tuple[float, ...]:
    """The pixel size, or nothing if it is None or not finite.

    Example:
        >>> known_size((0.5, 0.25)), known_size(None), known_size((float("nan"), 0.25))
        ((0.5, 0.25), (), ())
    """
    return tuple(pixel_size) if pixel_size is not None and np.isfinite(pixel_size).all() else ()
