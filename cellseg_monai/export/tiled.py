"""An image that does not fit into memory, in the format that its file name asks for."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellseg_monai.export.ome_zarr import write_ome_zarr
from cellseg_monai.export.pixels import Pixels, PixelSize
from cellseg_monai.export.tiff import write_tiled_tiff
from cellseg_monai.export.volumes import SUFFIXES, write_volume
from cellseg_monai.outputs import StrPath
from cellseg_monai.outputs.origin import Origin


def write_tiled(
    path: StrPath,
    pixels: Pixels,
    axes: str = "YX",
    pixel_size: PixelSize = None,
    *,
    tile: int = 512,
    origin: Origin | None = None,
    affine: npt.ArrayLike | None = None,
) -> None:
    """Write an image tile by tile, as OME-Zarr (``.zarr``) or BigTIFF (``.tif``, ``.tiff``), NIfTI or NRRD.

    Args:
        path: file to write, or folder for OME-Zarr.
        pixels: image, read tile by tile in reading order; integers are treated as labels.
        axes: one letter per dimension, ending with YX.
        pixel_size: micrometres along x and y (and z), if known.
        tile: side of a tile or chunk in pixels; a multiple of 16 for TIFF.
        origin: bundle and weights that made the pixels, for the metadata of the file.
        affine: position and orientation in space, for NIfTI and NRRD; see :func:`write_volume`.

    Raises:
        ValueError: the file name has another suffix, or an argument is not valid; see :func:`write_ome_zarr`
            and :func:`write_tiled_tiff`.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "labels.ome.zarr"
        >>> write_tiled(path, np.eye(40, 50, dtype=np.int32))
        >>> sorted(child.name for child in path.iterdir())
        ['.zattrs', '.zgroup', '0']
    """
    suffix = Path(path).suffix.lower()
    if suffix == ".zarr":
        labels = np.dtype(pixels.dtype).kind in "ui"
        write_ome_zarr(path, pixels, axes, pixel_size, chunk=tile, labels=labels, origin=origin)
    elif suffix in (".tif", ".tiff"):
        write_tiled_tiff(path, pixels, axes, pixel_size, tile=tile, origin=origin)
    elif str(path).lower().endswith(SUFFIXES):
        write_volume(path, pixels, axes, pixel_size, affine=affine)
    else:
        formats = ", ".join((".tif", ".zarr", *SUFFIXES))
        raise ValueError(f"{path}: tiled images are written as {formats}, not {suffix or 'no suffix'}")
