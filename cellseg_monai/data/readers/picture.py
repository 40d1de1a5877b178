"""The result of every format reader: pixels with named axes and the metadata of the file."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.readers.axes import Part, channels_last, locate
from cellseg_monai.data.readers.channels import Channels, chosen_channels

Kind = Literal["image", "label"]

MICROMETRES = {
    **dict.fromkeys(("µm", "μm", "um", "micron", "microns", "micrometer"), 1.0),  # both kinds of mu occur
    **dict.fromkeys(("nm", "nanometer"), 1e-3),
    **dict.fromkeys(("mm", "millimeter"), 1e3),
    **dict.fromkeys(("m", "meter"), 1e6),
    "cm": 1e4,
    "inch": 25_400.0,
}
"""Micrometres per unit of length, by the names that image files use."""

# Software that does not know the pixel size writes a print resolution of 72 to 600 dots per inch.
_COARSEST_BELIEVABLE_MICROMETRES = 40.0


@dataclass(frozen=True)
class Picture:
    """Pixels with named axes.

    Attributes:
        pixels: pixel array in the axis order of the file, in native byte order; Boolean pixels become uint8.
        axes: one letter per dimension: X and Y, optionally Z (depth) or T (frames), and C (channels).
        pixel_size: size of a pixel along x, y (and z) in micrometres, or None if the file does not give it.
        channel_names: one name per channel, or empty if the file has no names for its channels.
        affine: 4 × 4 matrix from indices (x, y, z) to right-anterior-superior space, in the unit of the file.
        stored_shape: shape of the whole image in the file, before a plane or region was selected.
        stored_axes: axes of the whole image, as the format names them.

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
        """Bring all formats into one form."""
        assert len(self.axes) == self.pixels.ndim, f"{self.axes} does not name {self.pixels.shape}"
        dtype = self.pixels.dtype
        spatial = len([axis for axis in self.axes if axis in "XYZ"])
        size = tuple(float(step) for step in self.pixel_size or ())[:spatial]
        channels = self.pixels.shape[self.axes.index("C")] if "C" in self.axes else 1
        vars(self).update(
            pixels=self.pixels.astype(np.uint8 if dtype.kind == "b" else dtype.newbyteorder("="), copy=False),
            pixel_size=size if len(size) == spatial else None,
            channel_names=self.channel_names if len(self.channel_names) == channels else (),
            stored_shape=tuple(self.stored_shape or self.pixels.shape),
            stored_axes=self.stored_axes or self.axes,
        )

    def channel_first(self) -> npt.NDArray[Any]:
        """Return channels, then x, y (and z, or frames), the default order of MONAI's readers."""
        return self._ordered(f"CXY{self.third}")

    def rows_columns(self) -> npt.NDArray[Any]:
        """Return (depth or frames,) rows, columns, and channels last if there is more than one."""
        pixels = self._ordered(f"{self.third}YXC")
        return pixels[..., 0] if pixels.shape[-1] == 1 else pixels

    def _ordered(self, axes: str) -> npt.NDArray[Any]:
        pixels, present = self.pixels, self.axes
        if "C" not in present:
            pixels, present = pixels[..., np.newaxis], f"{present}C"
        return pixels.transpose([present.index(axis) for axis in axes])

    def cut(self, part: Part) -> "Picture":
        """Return a part of a picture whose format cannot be read in parts."""
        if part.level:
            raise ValueError("a level can be chosen only of TIFF and OME-Zarr files")
        index, kept = locate(part, self.axes, self.pixels.shape)
        pixels, axes = channels_last(self.pixels[index], kept)
        return replace(self, pixels=pixels, axes=axes)

    def with_channels(self, channels: Channels) -> "Picture":
        """Return only some of the channels, in the given order."""
        count = self.pixels.shape[self.axes.index("C")] if "C" in self.axes else 1
        places = chosen_channels(channels, self.channel_names, count)
        if "C" not in self.axes or places == list(range(count)):
            return self
        names = tuple(self.channel_names[place] for place in places) if self.channel_names else ()
        pixels = self.pixels.take(places, axis=self.axes.index("C"))
        return replace(self, pixels=pixels, channel_names=names)

    @property
    def third(self) -> str:
        """``Z`` for a stack of planes, ``T`` for a movie, and empty for a plane."""
        return next((axis for axis in "ZT" if axis in self.axes), "")

    @property
    def size(self) -> tuple[int, int]:
        """Number of pixels along x and along y."""
        return self.pixels.shape[self.axes.index("X")], self.pixels.shape[self.axes.index("Y")]


def require_one_size(paths: Sequence[str | Path], shapes: Sequence[tuple[int, ...]]) -> None:
    """Raise if files that are channels of one image differ in size.

    Args:
        paths: files of one image.
        shapes: channel-first shape of each file.
    """
    for path, shape in zip(paths, shapes, strict=True):
        if shape[1:] != shapes[0][1:]:
            raise ValueError(
                f"{path}: its size {shape[1:]} differs from the size {shapes[0][1:]} of {paths[0]}; "
                "the files of one image must have the same size"
            )


def believable_size(micrometres: tuple[float, ...]) -> tuple[float, ...] | None:
    """Return a pixel size, or None if it is a print resolution rather than a microscope's.

    Example:
        >>> believable_size((0.65, 0.65))
        (0.65, 0.65)
        >>> believable_size((25400 / 96, 25400 / 96)) is None
        True
    """
    plausible = all(0 < size < _COARSEST_BELIEVABLE_MICROMETRES for size in micrometres)
    return tuple(float(size) for size in micrometres) if plausible else None
