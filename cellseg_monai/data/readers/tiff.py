"""TIFF in the many forms that microscopes write, through tifffile."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import zarr

from cellseg_monai.data.readers.picture import Kind, Picture, Region, choose, region_slices
from cellseg_monai.data.readers.tiff_metadata import channel_names, pixel_size

logger = logging.getLogger(__name__)

SUFFIXES = (".tif", ".tiff", ".btf", ".lsm", ".svs", ".ndpi", ".qptiff", ".scn")

_CHANNELS = "CSQI"  # channels, samples of a colour, and pages that nothing describes
_ALPHA = (tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA)


def read_tiff(
    path: Path,
    kind: Kind,
    axes: str | None = None,
    select: Mapping[str, int] | None = None,
    level: int = 0,
    region: Region | None = None,
) -> Picture:
    """Read a TIFF, or a region of it without the rest of the file.

    Args:
        path: a plain, tiled, multi-page, OME, ImageJ or pyramidal TIFF of any depth.
        kind: an image loses its alpha channel and has palette indices turned into colours; a label keeps both
            as stored.
        axes: a letter for each dimension of the file, where the file names none or wrong ones. Pages that
            nothing describes are channels.
        select: one plane of an axis, for example ``{"T": 0}``.
        level: of a pyramid; 0 is the full image.
        region: start and stop along x and y, in pixels of the level.

    Returns:
        The pixels with their axes, pixel size and channel names.
    """
    with tifffile.TiffFile(path) as file:
        series = _main_series(path, file)
        if not 0 <= level < len(series.levels):
            raise ValueError(f"there is no pyramid level {level}; choose 0 to {len(series.levels) - 1}")
        stored = series.levels[level]
        names = checked_axes(axes, stored.axes, stored.shape)
        index = index_of(names, stored.shape, select or {}, region)
        kept = "".join(axis for axis, chosen in zip(names, index, strict=True) if isinstance(chosen, slice))
        pixels = channels_last(_pixels(path, series, level, index), kept)
        if kind == "image":
            pixels = _intensities(pixels, series.keyframe)
        shrinkage = series.shape[names.index("X")] / stored.shape[names.index("X")]
        picture = Picture(
            pixels.astype(np.uint8) if pixels.dtype == bool else pixels,
            "ZYXC" if "Z" in kept else "YXC",
            pixel_size(file, shrinkage, volume="Z" in kept),
            stored_shape=tuple(stored.shape),
            stored_axes=stored.axes,
        )
        names_in_file = channel_names(file)
    return replace(picture, channel_names=names_in_file if len(names_in_file) == pixels.shape[-1] else ())


def _main_series(path: Path, file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """The first image; slides carry small ones beside it, but others as large are worth a word."""
    first, *others = file.series
    missed = sum(other.size >= first.size for other in others)
    if missed:
        logger.warning(
            "%s: holds %d more images of that size or larger; only the first is read", path, missed
        )
    return first


def checked_axes(axes: str | None, stored: str, shape: tuple[int, ...]) -> str:
    """The axes that the caller names, or else the file, if they can be those of the shape."""
    names = axes or str(stored)
    if len(names) != len(shape) or len(set(names)) != len(names) or not {"X", "Y"} <= set(names):
        raise ValueError(
            f"the axes {names!r} do not describe the shape {tuple(shape)}; "
            "give one letter a dimension, X and Y among them, for example axes='ZYX'"
        )
    return names


def index_of(
    names: str, shape: tuple[int, ...], select: Mapping[str, int], region: Region | None
) -> tuple[int | slice, ...]:
    """What to read along each axis: one plane, a span, or everything."""
    index = choose(names, shape, _planes(names, shape, select))
    if region is None:
        return index
    spans = region_slices(region, (shape[names.index("X")], shape[names.index("Y")]))
    return tuple(spans.get(axis, chosen) for axis, chosen in zip(names, index, strict=True))


def _planes(names: str, shape: tuple[int, ...], select: Mapping[str, int]) -> dict[str, int]:
    """The caller's choice, and the only plane of every other axis; a real choice is left to the caller."""
    planes = dict(select)
    for axis, length in zip(names, shape, strict=True):
        if axis in "XYZ" + _CHANNELS or axis in planes:
            continue
        if length > 1:
            what = "frames of a time-lapse" if axis == "T" else "planes"
            raise ValueError(
                f"the file holds {length} {what} along {axis} (axes {names}, shape {shape}); "
                f"choose one with select={{'{axis}': 0}}"
            )
        planes[axis] = 0
    return planes


def _pixels(
    path: Path, series: tifffile.TiffPageSeries, level: int, index: tuple[int | slice, ...]
) -> npt.NDArray[Any]:
    """Only what the index asks for: mapped from the disk where uncompressed, else tile by tile."""
    if index == (slice(None),) * len(index):
        return np.asarray(series.asarray(level=level))
    stored = series.levels[level]
    if stored.dataoffset is not None:
        dtype = stored.dtype.newbyteorder(series.parent.byteorder)
        mapped = np.memmap(path, dtype, "r", stored.dataoffset, stored.shape)
        return np.array(mapped[index])
    with series.aszarr(level=level) as store:
        return np.asarray(zarr.open(store, mode="r")[index])


def channels_last(pixels: npt.NDArray[Any], names: str) -> npt.NDArray[Any]:
    """Order the axes (Z,) Y, X and merge every kind of channel into one last axis."""
    order = [axis for axis in "ZYX" if axis in names]
    channels = [axis for axis in names if axis in _CHANNELS]
    ordered = pixels.transpose([names.index(axis) for axis in order + channels])
    return ordered.reshape((*ordered.shape[: len(order)], -1))


def _intensities(pixels: npt.NDArray[Any], page: tifffile.TiffPage) -> npt.NDArray[Any]:
    """Undo what TIFF does to grey values: palettes, white as zero, and an alpha channel."""
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
        colours = (page.colormap >> 8).astype(np.uint8).T
        return np.asarray(colours[pixels[..., 0]])
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE and pixels.dtype.kind in "bu":
        brightest = (1 << page.bitspersample) - 1
        inverted = brightest - pixels.astype(np.int64)
        return np.asarray(inverted.astype(np.uint8 if brightest == 1 else pixels.dtype))
    first_extra = page.samplesperpixel - len(page.extrasamples)
    alpha = [first_extra + place for place, sample in enumerate(page.extrasamples) if sample in _ALPHA]
    if alpha and pixels.shape[-1] == page.samplesperpixel:
        return np.delete(pixels, alpha, axis=-1)
    return pixels


def largest_piece(path: Path, level: int = 0) -> int:
    """Bytes of the pixels that are decoded at least to read one of them: a tile, a strip, at worst a page."""
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        stored = series.levels[min(level, len(series.levels) - 1)]
        if stored.dataoffset is not None:
            return 0
        return int(np.prod(stored.keyframe.chunks)) * int(stored.dtype.itemsize)
