"""An image that does not fit into memory as one TIFF in tiles."""

from collections.abc import Iterator, Sequence
from itertools import product
from os import PathLike
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tifffile

from cellseg_monai.outputs import written_whole


class Pixels(Protocol):
    """Whatever gives a part of an image when it is indexed: an array, a memory-mapped file, a Zarr array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the image."""

    @property
    def dtype(self) -> Any:
        """Of its pixels."""

    def __getitem__(self, box: Any) -> Any:
        """The pixels of a part."""


def write_tiled_tiff(
    path: str | PathLike[str],
    pixels: Pixels,
    axes: str = "YX",
    pixel_size: Sequence[float] | None = None,
    tile: int = 512,
) -> None:
    """Write an image as BigTIFF, compressed without loss; memory holds a few tiles.

    Args:
        path: the file.
        pixels: indexed tile by tile, row by row.
        axes: what its dimensions are, Y and X last.
        pixel_size: micrometres along x and y, if known.
        tile: side of the tiles, a multiple of 16.

    Raises:
        ValueError: the axes do not fit the shape, or the tile is no multiple of 16.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/labels.tif"
        >>> write_tiled_tiff(path, np.eye(40, 50, dtype=np.int32), tile=16)
        >>> with tifffile.TiffFile(path) as file:
        ...     file.is_bigtiff, file.pages.first.tile, int(file.asarray().sum())
        (True, (16, 16), 40)
    """
    if len(axes) != len(pixels.shape) or not axes.endswith("YX"):
        raise ValueError(
            f"axes must name the dimensions of {tuple(pixels.shape)}, Y and X last, not {axes!r}"
        )
    if tile < 16 or tile % 16:
        raise ValueError(f"tile must be a multiple of 16, as TIFF has it, not {tile}")
    known = pixel_size is not None and np.isfinite(pixel_size).all()
    resolution = tuple(1e4 / size for size in pixel_size[:2]) if pixel_size is not None and known else None
    with written_whole(path) as part, tifffile.TiffWriter(part, bigtiff=True) as file:
        file.write(
            _tiles(pixels, tile),
            shape=tuple(pixels.shape),
            dtype=np.dtype(pixels.dtype),
            tile=(tile, tile),
            photometric="minisblack",
            planarconfig="separate" if axes[0] == "C" and pixels.shape[0] > 1 else None,
            compression="zlib",
            compressionargs={"level": 1},
            predictor=False,
            resolution=resolution,
            resolutionunit="CENTIMETER" if known else None,
            metadata={"axes": axes},
            maxworkers=1,
        )


def _tiles(pixels: Pixels, side: int) -> Iterator[npt.NDArray[Any]]:
    *planes, rows, columns = pixels.shape
    for plane in product(*map(range, planes)):
        above = tuple(slice(index, index + 1) for index in plane)
        for top in range(0, rows, side):
            for left in range(0, columns, side):
                box = (
                    *above,
                    slice(top, min(top + side, rows)),
                    slice(left, min(left + side, columns)),
                )
                part: Any = np.asarray(pixels[box])
                part = part.reshape(part.shape[-2:])
                below, beside = side - part.shape[0], side - part.shape[1]
                yield np.pad(part, ((0, below), (0, beside))) if below or beside else part
