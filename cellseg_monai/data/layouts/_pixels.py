"""Pixels of a file, in file order, for the layouts alone."""

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from cellseg_monai.label_maps import LabelMap, as_label_map

_DAMAGE = (
    OSError,
    ValueError,
    SyntaxError,  # Pillow, for a broken PNG
    RuntimeError,  # imagecodecs
    IndexError,
    KeyError,
    struct.error,
    zlib.error,
    tifffile.TiffFileError,
    Image.DecompressionBombError,
)


def read_pixels(path: Path) -> npt.NDArray[Any]:
    """Read (rows, columns) or (rows, columns, channels); a picture with a palette gives its indices."""
    try:
        return _read_tiff(path) if path.suffix.lower() in (".tif", ".tiff") else _read_picture(path)
    except _DAMAGE as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def _read_tiff(path: Path) -> npt.NDArray[Any]:
    with tifffile.TiffFile(path) as tiff:
        series = tiff.series[0]
        pixels, axes = series.asarray(), series.axes
    if axes in ("SYX", "CYX"):
        return np.moveaxis(pixels, 0, -1)
    if axes not in ("YX", "YXS", "YXC"):
        raise ValueError(f"it holds a volume or a stack of shape {pixels.shape}; export single planes")
    return np.asarray(pixels)


def _read_picture(path: Path) -> npt.NDArray[Any]:
    with Image.open(path) as picture:
        return np.asarray(picture)


def read_label_map(path: Path) -> LabelMap:
    """Read a label map of (rows, columns), also from a colour picture whose channels are all the same."""
    values = read_pixels(path)
    if values.ndim == 3:
        grey = values[..., :1]
        colours = values[..., : 3 if values.shape[-1] in (3, 4) else 1]  # the rest is transparency
        if (colours != grey).any():
            raise ValueError(f"{path.name} is a colour picture, not a label map; export ids or class codes")
        values = grey[..., 0]
    try:
        return as_label_map(values)
    except ValueError as error:
        raise ValueError(f"{path.name}: {error}") from error
