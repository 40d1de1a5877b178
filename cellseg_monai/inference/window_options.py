"""Choice of the windows that a network gets for an image."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, NamedTuple, get_args

import torch
from monai.utils import ensure_tuple, ensure_tuple_rep, fall_back_tuple

from cellseg_monai.inference.network_window import window_bound
from cellseg_monai.inference.windows import (
    Blending,
    Tiling,
    blending_weights,
    fitted_tiling,
    sliding_tiling,
    step_between,
)

Window = Sequence[int] | int | Literal["auto", "fit"]
"""Size of the windows, or the way to find it."""

FITTED_PIXELS = 512**2
"""Pixels of a window that is fitted to the image; the same on every device, so that results do not differ."""


class Attempt(NamedTuple):
    """Settings of one attempt to stitch an image in the available memory.

    Attributes:
        device: device of the sums and the result.
        pixels: pixels of fitted windows.
        remedy: difference from the attempt before.
    """

    device: torch.device
    pixels: int
    remedy: str


@dataclass(eq=False)
class WindowOptions:
    """Options of the windows; :class:`cellseg_monai.inference.TiledInferer` describes them.

    Raises:
        ValueError: an option is out of range.

    Example:
        >>> options = WindowOptions("auto")
        >>> options.tiling((700, 520), torch.nn.Conv2d(1, 1, 3)).window
        (704, 544)
        >>> options.tiling((700, 520), torch.nn.GroupNorm(1, 1)).window
        (128, 128)
    """

    window: Window = "auto"
    overlap: Sequence[float] | float = 0.25
    blending: Blending = "gaussian"
    _: KW_ONLY
    sigma_scale: float = 0.125
    patch_size: Sequence[int] | int = 128

    def __post_init__(self) -> None:
        if self.blending not in get_args(Blending):
            raise ValueError(
                f"blending must be one of {', '.join(get_args(Blending))}, not {self.blending!r}"
            )
        if isinstance(self.window, str) and self.window not in ("auto", "fit"):
            raise ValueError(f"window must be a size, 'auto' or 'fit', not {self.window!r}")
        for side in ensure_tuple(self.patch_size):
            if side < 1:
                raise ValueError(f"patch_size must be at least 1 pixel, not {side}")
        if self.sigma_scale <= 0:
            raise ValueError(f"sigma_scale must be above 0, not {self.sigma_scale}")
        sides = self.patch_size if isinstance(self.window, str) else self.window
        for side in ensure_tuple(sides):
            for overlap in ensure_tuple(self.overlap):
                step_between(int(side) if side > 0 else 2**31, overlap)  # below 1: side of an unknown image

    def fitted(self, network: object) -> bool:
        """Whether windows are fitted to the image."""
        return self.window == "fit" or (self.window == "auto" and window_bound(network) is None)

    def tiling(self, shape: Sequence[int], network: object, pixels: int = FITTED_PIXELS) -> Tiling:
        """Return the windows for an image of a shape; ``pixels`` is the size of fitted windows."""
        dims = len(shape)
        overlap = ensure_tuple_rep(self.overlap, dims)
        if self.fitted(network):
            patch = ensure_tuple_rep(self.patch_size, dims)
            shared = [side - step_between(side, share) for side, share in zip(patch, overlap, strict=True)]
            return fitted_tiling(shape, pixels, shared, patch)
        size = self.patch_size if isinstance(self.window, str) else self.window
        return sliding_tiling(shape, fall_back_tuple(ensure_tuple_rep(size, dims), shape), overlap)

    def weights(self, tiling: Tiling, network: object) -> torch.Tensor:
        """Return the weight of each pixel of a window."""
        patch = self.patch_size if self.fitted(network) else tiling.window
        sides = ensure_tuple_rep(patch, len(tiling.window))
        return blending_weights(tiling.window, sides, self.blending, self.sigma_scale)

    def attempts(self, device: torch.device, may_move: bool, network: object, dims: int) -> Iterator[Attempt]:
        """Yield the settings to try until memory suffices.

        Args:
            device: device where the result should be.
            may_move: whether the result may be on the host instead.
            network: network that runs.
            dims: number of spatial axes of an image.
        """
        pixels = FITTED_PIXELS
        yield Attempt(device, pixels, "")
        if may_move and device.type != "cpu":
            device = torch.device("cpu")
            yield Attempt(device, pixels, "stitching on the host")
        least = math.prod(ensure_tuple_rep(self.patch_size, dims))
        while self.fitted(network) and pixels > least:
            pixels = max(pixels // 4, least)
            yield Attempt(device, pixels, f"using windows of {pixels:,} pixels")
