"""TIFF through tifffile, in the many variants that microscopes write."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile
import zarr

from cellseg_monai.data.readers.axes import Index, Part, channels_last, checked_level, locate, selected
from cellseg_monai.data.readers.picture import Kind, Picture
from cellseg_monai.data.readers.tiff_metadata import channel_names, pixel_size
from cellseg_monai.memory import IN_PARTS, require_room

logger = logging.getLogger(__name__)

SUFFIXES = (".tif", ".tiff", ".btf", ".lsm", ".svs", ".ndpi", ".qptiff", ".scn")

_UNNAMED = "QI"
"""Letters of tifffile for pages that the file does not describe."""
_ALPHA = (tifffile.EXTRASAMPLE.ASSOCALPHA, tifffile.EXTRASAMPLE.UNASSALPHA)


def read_tiff(path: Path, kind: Kind, part: Part) -> Picture:
    """Read a TIFF file, or a region of it without the rest of the file.

    Args:
        path: plain, tiled, multi-page, OME, ImageJ or pyramidal TIFF file of any bit depth.
        kind: ``"image"`` removes an alpha channel and converts palette indices to colours; ``"label"`` keeps
            the pixels as stored.
        part: part to read. It must name the axes of a file whose pages have no description.

    Returns:
        Pixels with axes, pixel size and channel names.
    """
    with tifffile.TiffFile(path) as file:
        series = _main_series(path, file)
        stored = series.levels[checked_level(part.level, len(series.levels))]
        if part.axes is None:
            _require_names(stored.axes, stored.shape)
        index, kept = locate(part, stored.axes, stored.shape)
        require_room(_piece(stored), stored.dtype.itemsize, IN_PARTS)
        require_room(selected(index, stored.shape), stored.dtype.itemsize)
        pixels, axes = channels_last(_pixels(path, series, part.level, index), kept)
        if kind == "image":
            pixels = _intensities(pixels, series.keyframe)
        width = part.names(stored.axes).index("X")
        return Picture(
            pixels,
            axes,
            pixel_size(file, shrinkage=series.shape[width] / stored.shape[width]),
            channel_names(file),
            stored_shape=stored.shape,
            stored_axes=stored.axes,
        )


def _main_series(path: Path, file: tifffile.TiffFile) -> tifffile.TiffPageSeries:
    """The first image. Slides store thumbnails beside it; other images of its size cause a warning."""
    last = len(file.pages) - 1
    if not file.pages[last].shape:  # Tifffile may look for more pages for ever
        raise ValueError(f"page {last + 1} has no pixels; export the file again from the original")
    first, *others = file.series
    missed = sum(other.size >= first.size for other in others)
    if missed:
        logger.warning(
            "%s: contains %d more images of the same size or larger; only the first is read", path, missed
        )
    return first


def _require_names(axes: str, shape: tuple[int, ...]) -> None:
    """Raise if a file has pages without saying whether they are planes, frames or channels."""
    pages = [length for axis, length in zip(axes, shape, strict=True) if axis in _UNNAMED and length > 1]
    if pages:
        raise ValueError(
            f"the file has {' × '.join(map(str, pages))} pages and does not say what they are; name "
            "its axes: "
            "--axes ZYX for the planes of a stack, TYX for the frames of a movie, CYX for channels"
        )


def _pixels(path: Path, series: tifffile.TiffPageSeries, level: int, index: Index) -> npt.NDArray[Any]:
    """Read the pixels of the index: memory-mapped if uncompressed, otherwise tile by tile."""
    if index == (slice(None),) * len(index):
        return np.asarray(series.asarray(level=level))
    if series.levels[level].dataoffset is not None:
        return np.array(tifffile.memmap(path, level=level, mode="r")[index])
    with series.aszarr(level=level) as store:
        return np.asarray(zarr.open(store, mode="r")[index])


def _intensities(pixels: npt.NDArray[Any], page: tifffile.TiffPage) -> npt.NDArray[Any]:
    """Apply the palette, invert white-is-zero grey values, and remove the alpha channel."""
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
    """Return the bytes that must be decoded to read one pixel: a tile, a strip, or a whole page."""
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        stored = series.levels[min(level, len(series.levels) - 1)]
        return int(np.prod(_piece(stored))) * int(stored.dtype.itemsize)


def _piece(stored: tifffile.TiffPageSeries) -> tuple[int, ...]:
    """Shape of what must be decoded to read one pixel; nothing of uncompressed files."""
    return (0,) if stored.dataoffset is not None else tuple(stored.keyframe.chunks)
