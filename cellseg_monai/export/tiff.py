"""Label maps and large images as TIFF, compressed without loss."""

from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from cellseg_monai.export.pixels import Pixels, PixelSize, boxes, known_size, require_axes
from cellseg_monai.label_maps import as_label_map, smallest_dtype
from cellseg_monai.outputs import StrPath, written_whole
from cellseg_monai.outputs.origin import Origin, origin_metadata, software


def tiff_options(
    axes: str, pixel_size: PixelSize = None, *, level: int = 1, origin: Origin | None = None
) -> dict[str, Any]:
    """Options that every TIFF of ours is written with.

    Args:
        axes: one letter per dimension.
        pixel_size: micrometres along x and y (and z), if known.
        level: compression level of zlib, from 0 to 9.
        origin: bundle and weights that made the pixels.

    Example:
        >>> tiff_options("YX", (0.5, 0.5))["resolution"]
        (20000.0, 20000.0)
    """
    size = known_size(pixel_size)
    return {
        "photometric": "minisblack",
        "compression": "zlib",
        "compressionargs": {"level": level},
        "predictor": False,
        "resolution": tuple(1e4 / side for side in size[:2]) or None,
        "resolutionunit": "CENTIMETER" if size else None,
        "metadata": {"axes": axes, **_ome_size(axes, size), **origin_metadata(origin)},
        "software": software(),
    }


def _is_ome(axes: str) -> bool:
    """Whether a file is OME-TIFF: only there every viewer finds frames, and the distance of planes."""
    return "Z" in axes or "T" in axes


def _ome_size(axes: str, size: tuple[float, ...]) -> dict[str, Any]:
    sides = dict(zip("XYZ", size, strict=False)) if _is_ome(axes) else {}
    units = {f"PhysicalSize{axis}Unit": "µm" for axis in sides}
    return {f"PhysicalSize{axis}": side for axis, side in sides.items()} | units


def write_label_tiff(
    path: StrPath,
    label_map: npt.ArrayLike,
    pixel_size: PixelSize = None,
    *,
    origin: Origin | None = None,
) -> None:
    """Write a label map with 16 bits per pixel, or 32 if an id needs them.

    Args:
        path: TIFF file to write.
        label_map: label map of one plane.
        pixel_size: micrometres along x and y, if known.
        origin: bundle and weights that made the labels.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.tif"
        >>> write_label_tiff(path, [[0, 300]])
        >>> tifffile.imread(path)
        array([[  0, 300]], dtype=uint16)
    """
    ids = as_label_map(label_map)
    dtype = np.promote_types(smallest_dtype(int(ids.max(initial=0))), np.uint16)
    with written_whole(path) as part:
        tifffile.imwrite(part, ids.astype(dtype), **tiff_options("YX", pixel_size, level=6, origin=origin))


def write_tiled_tiff(
    path: StrPath,
    pixels: Pixels,
    axes: str = "YX",
    pixel_size: PixelSize = None,
    *,
    tile: int = 512,
    origin: Origin | None = None,
) -> None:
    """Write an image as BigTIFF in tiles; only a few tiles are in memory at a time.

    A stack or movie is OME-TIFF, which names planes and frames, and has their distance along z.

    Args:
        path: TIFF file to write.
        pixels: image, read tile by tile in reading order.
        axes: one letter per dimension, ending with YX.
        pixel_size: micrometres along x and y (and z), if known.
        tile: side of a tile in pixels, a multiple of 16.
        origin: bundle and weights that made the pixels.

    Raises:
        ValueError: the axes do not match the shape, or the tile is not a multiple of 16.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/labels.tif"
        >>> write_tiled_tiff(path, np.eye(40, 50, dtype=np.int32), tile=16)
        >>> with tifffile.TiffFile(path) as file:
        ...     file.is_bigtiff, file.pages.first.tile, int(file.asarray().sum())
        (True, (16, 16), 40)
    """
    shape = tuple(pixels.shape)
    require_axes(axes, shape)
    if tile < 16 or tile % 16:
        raise ValueError(f"tile must be a multiple of 16, not {tile}: TIFF supports no other sizes")
    is_ome = _is_ome(axes)
    with written_whole(path) as part, tifffile.TiffWriter(part, bigtiff=True, ome=is_ome) as file:
        file.write(
            (np.asarray(pixels[box]).squeeze(tuple(range(len(shape) - 2))) for box in boxes(shape, tile)),
            shape=shape,
            dtype=np.dtype(pixels.dtype),
            tile=(tile, tile),
            planarconfig="separate" if axes[0] == "C" and shape[0] > 1 and not is_ome else None,
            maxworkers=1,
            **tiff_options(axes, pixel_size, origin=origin),
        )
