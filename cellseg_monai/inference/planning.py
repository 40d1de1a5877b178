"""Which windows a network gets for an image."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import torch
from monai.utils import ensure_tuple_rep, fall_back_tuple

from cellseg_monai.inference.network_window import window_bound
from cellseg_monai.inference.windows import (
    Blending,
    Tiling,
    blending_weights,
    check_blending,
    fitted_tiling,
    sliding_tiling,
    step_between,
)

Window = Sequence[int] | int | Literal["auto", "fit"]
"""Its size, or how to find it."""

FITTED_PIXELS = 512**2
"""Of a window that is made to fit the image. The same on each device, so that results do not differ."""


class Attempt(NamedTuple):
    """How to go on after running out of memory.

    Attributes:
        device: of the sums and the result.
        pixels: of windows that are made to fit.
        remedy: what is different from the attempt before.
    """

    device: torch.device
    pixels: int
    remedy: str


@dataclass(frozen=True)
class WindowOptions:
    """What the user says of windows; see :class:`cellseg_monai.inference.TiledInferer`.

    Raises:
        ValueError: an option is out of its range.

    Example:
        >>> options = WindowOptions("auto", 0.25, "gaussian", 0.125, patch_size=128)
        >>> options.tiling((700, 520), torch.nn.Conv2d(1, 1, 3)).window
        (704, 544)
        >>> options.tiling((700, 520), torch.nn.GroupNorm(1, 1)).window
        (128, 128)
    """

    window: Window
    overlap: Sequence[float] | float
    blending: Blending
    sigma_scale: float
    patch_size: Sequence[int] | int

    def __post_init__(self) -> None:
        check_blending(self.blending)
        if isinstance(self.window, str) and self.window not in ("auto", "fit"):
            raise ValueError(f"window must be a size, 'auto' or 'fit', not {self.window!r}")
        for side in _sequence(self.patch_size):
            if side < 1:
                raise ValueError(f"patch_size must be at least 1 pixel, not {side}")
        if self.sigma_scale <= 0:
            raise ValueError(f"sigma_scale must be above 0, not {self.sigma_scale}")
        sides = self.patch_size if isinstance(self.window, str) else self.window
        for side in _sequence(sides):
            for overlap in _sequence(self.overlap):
                step_between(int(side) if side > 0 else 2**31, overlap)  # the side of an image yet unknown

    def fitted(self, network: object) -> bool:
        """Whether windows are made to fit the image."""
        return self.window == "fit" or (self.window == "auto" and window_bound(network) is None)

    def tiling(self, shape: Sequence[int], network: object, pixels: int = FITTED_PIXELS) -> Tiling:
        """Windows for an image of a shape; so many pixels, if they are made to fit it."""
        dims = len(shape)
        overlap = ensure_tuple_rep(self.overlap, dims)
        if self.fitted(network):
            patch = ensure_tuple_rep(self.patch_size, dims)
            shared = [side - step_between(side, share) for side, share in zip(patch, overlap, strict=True)]
            return fitted_tiling(shape, pixels, shared, patch)
        size = self.patch_size if isinstance(self.window, str) else self.window
        return sliding_tiling(shape, fall_back_tuple(ensure_tuple_rep(size, dims), shape), overlap)

    def weights(self, tiling: Tiling, network: object) -> torch.Tensor:
        """Of the pixels of a window."""
        patch = (
            ensure_tuple_rep(self.patch_size, len(tiling.window)) if self.fitted(network) else tiling.window
        )
        return blending_weights(tiling.window, tuple(patch), self.blending, self.sigma_scale)

    def attempts(
        self, device: torch.device, may_move: bool, network: object, dims: int, pixels: int = FITTED_PIXELS
    ) -> Iterator[Attempt]:
        """What to try, one after the other, as long as memory does not suffice.

        Args:
            device: where the result is wanted.
            may_move: it may come on the host instead.
            network: that runs.
            dims: axes of an image.
            pixels: to begin with.
        """
        yield Attempt(device, pixels, "")
        if may_move and device.type != "cpu":
            device = torch.device("cpu")
            yield Attempt(device, pixels, "stitching on the host")
        least = math.prod(ensure_tuple_rep(self.patch_size, dims))
        while self.fitted(network) and pixels > least:
            pixels = max(pixels // 4, least)
            yield Attempt(device, pixels, f"taking windows of {pixels:,} pixels")


def _sequence(value: Sequence[float] | float) -> Sequence[float]:
    return value if isinstance(value, Sequence) else (value,)
