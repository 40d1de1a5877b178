"""An image that does not fit into memory to a file of the kind that its name asks for."""

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from cellseg_monai.export.ome_zarr import write_ome_zarr
from cellseg_monai.export.tiled_tiff import Pixels, write_tiled_tiff


def write_tiled(
    path: str | PathLike[str],
    pixels: Pixels,
    axes: str = "YX",
    pixel_size: Sequence[float] | None = None,
    tile: int = 512,
) -> None:
    """Write an image tile by tile, as OME-Zarr (``.zarr``) or as BigTIFF (``.tif``, ``.tiff``).

    Args:
        path: the file, or the folder of OME-Zarr.
        pixels: indexed tile by tile, row by row; whole numbers are taken for labels.
        axes: what its dimensions are, Y and X last.
        pixel_size: micrometres along x and y (and z), if known.
        tile: side of tiles or chunks; TIFF wants a multiple of 16.

    Raises:
        ValueError: the name has another ending; and see :func:`write_ome_zarr` and :func:`write_tiled_tiff`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels.ome.zarr"
        >>> write_tiled(path, np.eye(40, 50, dtype=np.int32))
        >>> sorted(child.name for child in path.iterdir())
        ['.zattrs', '.zgroup', '0']
    """
    ending = Path(path).suffix.lower()
    if ending == ".zarr":
        labels = np.dtype(pixels.dtype).kind in "ui"
        write_ome_zarr(path, pixels, axes, pixel_size, tile, labels)
    elif ending in (".tif", ".tiff"):
        write_tiled_tiff(path, pixels, axes, pixel_size, tile)
    else:
        raise ValueError(
            f"{path}: an image is written in tiles to .tif or .zarr, not {ending or 'no ending'}"
        )
