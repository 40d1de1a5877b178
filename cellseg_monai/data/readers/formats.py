"""A path to pixels: picks the library by the suffix and puts the file's name into every complaint."""

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy.typing as npt

from cellseg_monai.data.readers import metaimage, nifti, ome_zarr, raster, tiff
from cellseg_monai.data.readers.picture import Kind, Picture, Region, choose
from cellseg_monai.label_maps import LabelMap, as_label_map

SUFFIXES = (*tiff.SUFFIXES, *raster.SUFFIXES, *nifti.SUFFIXES, *metaimage.SUFFIXES, *ome_zarr.SUFFIXES)
"""File name endings that can be read."""


def read_picture(
    path: str | PathLike[str],
    kind: Kind = "image",
    *,
    axes: str | None = None,
    select: Mapping[str, int] | None = None,
    level: int = 0,
    region: Region | None = None,
) -> Picture:
    """Read an image file of any supported format.

    Args:
        path: the file.
        kind: ``"image"`` drops an alpha channel and turns palette indices into colours; ``"label"`` keeps
            palette indices, which are what a mask means.
        axes: names of the dimensions of a TIFF or OME-Zarr where its own are missing or wrong.
        select: one plane of an axis, for example ``{"T": 0}`` or ``{"Z": 7}``.
        level: pyramid level of a TIFF or OME-Zarr.
        region: start and stop along x and along y; of TIFF, OME-Zarr and NIfTI only this part is read.

    Returns:
        The pixels and what the file says about them.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the format is not supported, or the file cannot be read; the message names it.

    Example:
        >>> import numpy as np, tifffile, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cells.tif"
        >>> tifffile.imwrite(path, np.zeros((40, 60, 3), np.uint16), photometric="rgb")
        >>> picture = read_picture(path, region=((0, 20), (0, 10)))
        >>> picture.pixels.shape, picture.stored_shape, picture.channel_names
        ((10, 20, 3), (40, 60, 3), ('red', 'green', 'blue'))
    """
    path = Path(path)
    if not (path.is_file() or (path.is_dir() and _has(path, ome_zarr.SUFFIXES))):
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        if _has(path, ome_zarr.SUFFIXES):
            return ome_zarr.read_ome_zarr(path, axes, select, level, region)
        if _has(path, tiff.SUFFIXES):
            return tiff.read_tiff(path, kind, axes, select, level, region)
        if axes is not None or level != 0:
            raise ValueError("axes and level can be chosen in TIFF files and OME-Zarr only")
        if _has(path, nifti.SUFFIXES):
            return _select(nifti.read_nifti(path, region), select or {})
        return _select(_read_whole(path, kind), select or {}).crop(region)
    except Exception as error:
        raise ValueError(f"{path}: cannot be read: {_reason(error)}") from error


def read_pixels(path: str | PathLike[str], kind: Kind = "image") -> npt.NDArray[Any]:
    """Read an image as (Z,) rows, columns, and channels last if it has several.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> path = Path(tempfile.mkdtemp()) / "cells.png"
        >>> Image.new("RGBA", (60, 40)).save(path)
        >>> read_pixels(path).shape
        (40, 60, 3)
    """
    return read_picture(path, kind).rows_columns()


def read_label_map(path: str | PathLike[str]) -> LabelMap:
    """Read a mask as int32 rows and columns.

    A colour mask whose channels are equal is taken as grey; one that uses colour for identity is refused.

    Example:
        >>> import numpy as np, tifffile, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mask.tif"
        >>> tifffile.imwrite(path, np.array([[0, 300]], np.uint16))
        >>> read_label_map(path)
        array([[  0, 300]], dtype=int32)
    """
    picture = read_picture(path, "label")
    if "Z" in picture.axes:
        depth = picture.pixels.shape[picture.axes.index("Z")]
        raise ValueError(f"{path}: a mask is one plane, this file holds {depth}; save the planes one by one")
    try:
        return as_label_map(one_channel(picture.channel_first())[0]).T
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def one_channel(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Channel-first pixels of a mask as one channel; channels that differ are refused."""
    channels = pixels[:3] if len(pixels) == 4 else pixels
    if len(channels) > 1 and (channels != channels[:1]).any():
        raise ValueError(
            f"a mask has one channel, this one has {len(pixels)} that differ; if colours stand for objects "
            "or classes, save their numbers as one 16- or 32-bit channel"
        )
    return channels[:1]


def _read_whole(path: Path, kind: Kind) -> Picture:
    if _has(path, raster.SUFFIXES):
        return raster.read_raster(path, kind)
    if _has(path, metaimage.SUFFIXES):
        return metaimage.read_itk(path)
    raise ValueError(f"the format is not known; use one of {', '.join(SUFFIXES)}")


def _has(path: Path, suffixes: tuple[str, ...]) -> bool:
    return path.name.lower().endswith(suffixes)


def _select(picture: Picture, select: Mapping[str, int]) -> Picture:
    index = choose(picture.axes, picture.pixels.shape, select)
    axes = "".join(axis for axis in picture.axes if axis not in select)
    names = picture.channel_names if "C" in axes else ()
    size = picture.pixel_size if "Z" in axes or picture.pixel_size is None else picture.pixel_size[:2]
    return Picture(
        picture.pixels[index], axes, size, names, picture.affine, picture.stored_shape, picture.stored_axes
    )


def _reason(error: Exception) -> str:
    """One line, whatever the library printed."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) < 300 else f"{text[:300]}…"
