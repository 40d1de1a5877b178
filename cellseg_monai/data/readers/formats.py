"""Reading a file of any format: the suffix decides on the reader, and every error names the file."""

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.readers import medical, microscopes, ome_zarr, raster, tiff
from cellseg_monai.data.readers.axes import Part, Region
from cellseg_monai.data.readers.channels import Channels
from cellseg_monai.data.readers.mask_check import require_label_map
from cellseg_monai.data.readers.picture import Kind, Picture
from cellseg_monai.label_maps import LabelMap, as_label_map

_READERS: dict[tuple[str, ...], Callable[[Path, Kind, Part], Picture]] = {
    tiff.SUFFIXES: tiff.read_tiff,
    raster.SUFFIXES: raster.read_raster,
    medical.NIFTI_SUFFIXES: medical.read_nifti,
    medical.ITK_SUFFIXES: medical.read_itk,
    ome_zarr.SUFFIXES: ome_zarr.read_ome_zarr,
    microscopes.SUFFIXES: microscopes.read_microscope,
}

SUFFIXES = tuple(suffix for suffixes in _READERS for suffix in suffixes)
"""File name endings of the supported formats."""

IN_PARTS = (*tiff.SUFFIXES, *medical.NIFTI_SUFFIXES, *ome_zarr.SUFFIXES)
"""File name endings of the formats that can be read in parts."""


def read_picture(
    path: str | PathLike[str],
    kind: Kind = "image",
    *,
    axes: str | None = None,
    select: Mapping[str, int] | None = None,
    level: int = 0,
    region: Region | None = None,
    channels: Channels = None,
    movie: bool = False,
) -> Picture:
    """Read an image file of any supported format.

    Args:
        path: image file.
        kind: ``"image"`` removes an alpha channel and converts palette indices to colours; ``"label"`` keeps
            palette indices, because they are the ids of a mask.
        axes: one letter per dimension of a file whose own axis names are missing or wrong: T for frames, Z
            for planes of a stack, C for channels, Y and X.
        select: index along some of the axes, for example ``{"T": 0}`` or ``{"Z": 7}``.
        level: pyramid level of a TIFF or OME-Zarr file.
        region: start and stop along x and along y, and along planes or frames if there are any. Of TIFF,
            OME-Zarr and NIfTI files only this part is read.
        channels: numbers or names of the channels to use; by default all.
        movie: whether the frames of a movie are read, as an axis T; otherwise one must be selected.

    Returns:
        Pixels with the metadata of the file.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the format is not supported, or the file cannot be read. The message names the file.

    Example:
        >>> import numpy as np, tifffile, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "cells.tif"
        >>> tifffile.imwrite(path, np.zeros((40, 60, 3), np.uint16), photometric="rgb")
        >>> picture = read_picture(path, region=((0, 20), (0, 10)))
        >>> picture.pixels.shape, picture.stored_shape, picture.channel_names
        ((10, 20, 3), (40, 60, 3), ('red', 'green', 'blue'))
    """
    picture = read_part(path, kind, Part(axes, select, level, region, movie))
    try:
        return picture.with_channels(channels)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def read_part(path: str | PathLike[str], kind: Kind, part: Part) -> Picture:
    """Read a part of an image file; see :func:`read_picture`."""
    path = Path(path)
    name = path.name.lower()
    if not (path.is_file() or (path.is_dir() and name.endswith(ome_zarr.SUFFIXES))):
        raise FileNotFoundError(f"{path}: there is no such file")
    read = next((read for suffixes, read in _READERS.items() if name.endswith(suffixes)), None)
    try:
        if read is None:
            raise ValueError(
                microscopes.advice_for(path)
                or f"the format is not supported; use one of {', '.join(SUFFIXES)}"
            )
        return read(path, kind, part)
    except Exception as error:
        reason = shorten(str(error) or type(error).__name__, 300, placeholder=" …")
        raise ValueError(f"{path}: cannot be read: {reason}") from error


def read_pixels(path: str | PathLike[str], kind: Kind = "image", **part: Any) -> npt.NDArray[Any]:
    """Read an image as an array of (depth,) rows, columns, and channels last if there is more than one.

    Args:
        path: image file.
        kind: as in :func:`read_picture`.
        part: further options of :func:`read_picture`.

    Example:
        >>> import tempfile
        >>> from PIL import Image
        >>> path = Path(tempfile.mkdtemp()) / "cells.png"
        >>> Image.new("RGBA", (60, 40)).save(path)
        >>> read_pixels(path).shape
        (40, 60, 3)
    """
    return read_picture(path, kind, **part).rows_columns()


def read_label_map(
    path: str | PathLike[str],
    *,
    axes: str | None = None,
    select: Mapping[str, int] | None = None,
    force: bool = False,
    stack: bool = False,
) -> LabelMap:
    """Read a mask as an int32 array of rows and columns.

    A colour mask is accepted if its channels are equal.

    Args:
        path: file of the mask.
        axes: one letter per dimension, as in :func:`read_picture`.
        select: frame or plane to read, such as ``{"Z": 7}``.
        force: whether to accept a file that looks like a microscope image.
        stack: whether to accept a stack, which is an array of planes, rows and columns.

    Raises:
        FileNotFoundError: the file does not exist.
        ValueError: the file cannot be read, has several planes or different channels, or is an image.

    Example:
        >>> import numpy as np, tifffile, tempfile
        >>> path = Path(tempfile.mkdtemp()) / "mask.tif"
        >>> tifffile.imwrite(path, np.array([[0, 300]], np.uint16))
        >>> read_label_map(path)
        array([[  0, 300]], dtype=int32)
    """
    picture = read_picture(path, "label", axes=axes, select=select)
    if "Z" in picture.axes and not stack:
        depth = picture.pixels.shape[picture.axes.index("Z")]
        raise ValueError(
            f"{path}: a mask must be one plane, but this file has {depth}; choose one with --z 0, or "
            "save each plane to its own file"
        )
    return np.asarray(one_label(path, picture, force)[0].T)


def one_label(path: str | PathLike[str], picture: Picture, force: bool = False) -> LabelMap:
    """Return the single channel of a mask, channel first and int32; raise if its channels differ."""
    pixels = picture.channel_first()
    channels = pixels[:3] if len(pixels) == 4 else pixels
    try:
        if len(channels) > 1 and (channels != channels[:1]).any():
            raise ValueError(
                f"a mask must have one channel, but this one has {len(pixels)} that differ; if colours stand "
                "for objects or classes, save their ids as one 16- or 32-bit channel"
            )
        labels = as_label_map(channels[:1])
        if not force:
            require_label_map(labels)
        return labels
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
