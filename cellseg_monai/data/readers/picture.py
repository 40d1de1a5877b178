"""What every format reader returns: pixels whose axes have names, and what the file says about them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Kind = Literal["image", "label"]
Region = tuple[tuple[int, int], tuple[int, int]]
"""Start and stop along x, then along y."""

# A print resolution, 72 to 600 dots an inch, is what software writes when it knows nothing of the microscope.
_COARSEST_BELIEVABLE_MICROMETRES = 40.0


@dataclass(frozen=True)
class Picture:
    """Pixels with named axes.

    Attributes:
        pixels: the array in the order of the file.
        axes: a letter per dimension: X and Y, optionally Z (depth) and C (channels).
        pixel_size: micrometres along x, y (and z), or None if the file does not tell.
        channel_names: a name per channel, empty if the file has none.
        affine: 4 × 4 from indices (x, y, z) to right-anterior-superior space, in the unit of the file.
        stored_shape: shape of the whole image in the file, before an axis or a region was chosen.
        stored_axes: its axes, as the format names them.

    Example:
        >>> picture = Picture(np.zeros((4, 6, 3), np.uint8), "YXC")
        >>> picture.channel_first().shape
        (3, 6, 4)
    """

    pixels: npt.NDArray[Any]
    axes: str
    pixel_size: tuple[float, ...] | None = None
    channel_names: tuple[str, ...] = ()
    affine: npt.NDArray[np.float64] | None = None
    stored_shape: tuple[int, ...] = ()
    stored_axes: str = ""

    def __post_init__(self) -> None:
        """Let the stored shape default to that of the pixels; bring the bytes into this machine's order."""
        assert len(self.axes) == self.pixels.ndim, f"{self.axes} does not name {self.pixels.shape}"
        if not self.stored_shape:
            object.__setattr__(self, "stored_shape", self.pixels.shape)
            object.__setattr__(self, "stored_axes", self.axes)
        if not self.pixels.dtype.isnative:
            object.__setattr__(self, "pixels", self.pixels.astype(self.pixels.dtype.newbyteorder("=")))

    def channel_first(self) -> npt.NDArray[Any]:
        """Channels, then x, y (and z): the order of MONAI's own readers with their defaults."""
        return self._ordered("CXYZ" if "Z" in self.axes else "CXY")

    def rows_columns(self) -> npt.NDArray[Any]:
        """(Z,) rows, columns, and channels last if there is more than one: the order of image libraries."""
        pixels = self._ordered("ZYXC" if "Z" in self.axes else "YXC")
        return pixels[..., 0] if pixels.shape[-1] == 1 else pixels

    def _ordered(self, axes: str) -> npt.NDArray[Any]:
        pixels, present = self.pixels, self.axes
        if "C" not in present:
            pixels, present = pixels[..., np.newaxis], f"{present}C"
        return pixels.transpose([present.index(axis) for axis in axes])

    def crop(self, region: Region | None) -> "Picture":
        """Cut a region out of the pixels."""
        if region is None:
            return self
        spans = region_slices(region, self.size)
        return replace(self, pixels=self.pixels[tuple(spans.get(axis, slice(None)) for axis in self.axes)])

    @property
    def size(self) -> tuple[int, int]:
        """Pixels along x and along y."""
        return self.pixels.shape[self.axes.index("X")], self.pixels.shape[self.axes.index("Y")]


def region_slices(region: Region, size: tuple[int, int]) -> dict[str, slice]:
    """A slice per axis name; a region that leaves the image is refused rather than clipped."""
    for axis, (start, stop), length in zip("XY", region, size, strict=True):
        if not 0 <= start < stop <= length:
            raise ValueError(
                f"the region {start}:{stop} along {axis} does not lie in the image, "
                f"which has {length} pixels there; choose 0 <= start < stop <= {length}"
            )
    return {axis: slice(*span) for axis, span in zip("XY", region, strict=True)}


def choose(axes: str, shape: tuple[int, ...], select: Mapping[str, int]) -> tuple[int | slice, ...]:
    """An index for each axis that the caller chose one plane of, everything elsewhere."""
    for axis, index in select.items():
        if axis not in axes:
            raise ValueError(f"there is no axis {axis} to select from; the axes are {axes}, {shape}")
        length = shape[axes.index(axis)]
        if not 0 <= index < length:
            raise ValueError(f"{axis}={index} is not there; choose 0 to {length - 1}")
    return tuple(select.get(axis, slice(None)) for axis in axes)


def believable_size(micrometres: tuple[float, ...]) -> tuple[float, ...] | None:
    """A pixel size, unless it is the print resolution that software writes for want of a better one.

    Example:
        >>> believable_size((0.65, 0.65))
        (0.65, 0.65)
        >>> believable_size((25400 / 96, 25400 / 96)) is None
        True
    """
    plausible = all(0 < size < _COARSEST_BELIEVABLE_MICROMETRES for size in micrometres)
    return tuple(float(size) for size in micrometres) if plausible else None
