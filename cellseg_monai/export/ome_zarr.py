"""An image that does not fit into memory as OME-Zarr, in chunks and at several sizes."""

import json
from collections.abc import Sequence
from itertools import product
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from cellseg_monai.export.tiled_tiff import Pixels
from cellseg_monai.outputs import written_whole

_KINDS = {"C": "channel", "Z": "space", "Y": "space", "X": "space"}
_COMPRESSOR = {"id": "blosc", "cname": "zstd", "clevel": 5, "shuffle": 1, "blocksize": 0}


def write_ome_zarr(
    path: str | PathLike[str],
    pixels: Pixels,
    axes: str = "YX",
    pixel_size: Sequence[float] | None = None,
    chunk: int = 512,
    labels: bool = True,
    overwrite: bool = False,
) -> None:
    """Write an image as OME-Zarr (NGFF 0.4); memory holds a few chunks.

    Beside the full image there are smaller ones, each of every second pixel of the one before in x and y,
    down to one chunk: viewers need them, and ids must not be averaged.

    Args:
        path: the folder.
        pixels: indexed chunk by chunk, row by row.
        axes: what its dimensions are, Y and X last.
        pixel_size: micrometres along x and y (and z), if known.
        chunk: side of the chunks in x and y; along other axes they have one plane.
        labels: the pixels are ids of objects, and the metadata says so.
        overwrite: replace a folder that exists.

    Raises:
        FileExistsError: the folder exists.
        ValueError: the axes do not fit the shape.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/labels.ome.zarr"
        >>> write_ome_zarr(path, np.eye(40, 50, dtype=np.int32), chunk=16)
        >>> [zarr.open_array(f"{path}/{level}", mode="r").shape for level in range(3)]
        [(40, 50), (20, 25), (10, 13)]
    """
    if len(axes) != len(pixels.shape) or not axes.endswith("YX") or not set(axes) <= set(_KINDS):
        raise ValueError(
            f"axes must name the dimensions of {tuple(pixels.shape)} by C, Z, Y, X, the last two at the end, "
            f"not {axes!r}"
        )
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1 pixel, not {chunk}")
    require_absent(path, overwrite)
    with written_whole(path) as part:
        fill_ome_zarr(part, Path(path).name, pixels, axes, pixel_size, chunk, labels)


def require_absent(path: str | PathLike[str], overwrite: bool) -> None:
    """Raise if a folder exists and must not be replaced."""
    if Path(path).exists() and not overwrite:
        raise FileExistsError(f"{path} exists; choose another name, or overwrite it")


def fill_ome_zarr(
    folder: Path,
    name: str,
    pixels: Pixels,
    axes: str,
    pixel_size: Sequence[float] | None,
    chunk: int,
    labels: bool,
) -> None:
    """Write the image into a folder that does not exist; see :func:`write_ome_zarr`."""
    folder.mkdir(parents=True)
    (folder / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
    level, source = 0, pixels
    while True:
        target = new_array(folder / str(level), _shape_at(pixels.shape, level), pixels.dtype, chunk)
        _copy(source, target, chunk, step=1 if level == 0 else 2)
        if max(target.shape[-2:]) <= chunk:
            break
        level, source = level + 1, target
    metadata = _metadata(name, axes, level + 1, pixel_size) | (
        {"image-label": {"version": "0.4"}} if labels else {}
    )
    (folder / ".zattrs").write_text(json.dumps(metadata, indent=2))


def new_array(folder: str | PathLike[str], shape: Sequence[int], dtype: Any, chunk: int) -> Any:
    """Make a Zarr array (version 2) of zeros, in square chunks of one plane; its folder must not exist.

    Example:
        >>> import tempfile
        >>> array = new_array(f"{tempfile.mkdtemp()}/0", (2, 30, 40), np.float32, chunk=16)
        >>> array.chunks, float(array[1, 2, 3])
        ((1, 16, 16), 0.0)
    """
    # Written by hand: the same for every version of the library.
    (folder := Path(folder)).mkdir(parents=True)
    description = {
        "zarr_format": 2,
        "shape": [int(side) for side in shape],
        "chunks": [1] * (len(shape) - 2) + [min(chunk, int(side)) for side in shape[-2:]],
        "dtype": np.dtype(dtype).newbyteorder("<").str,
        "compressor": _COMPRESSOR,
        "fill_value": 0,
        "order": "C",
        "filters": None,
        "dimension_separator": "/",
    }
    (folder / ".zarray").write_text(json.dumps(description))
    return zarr.open_array(str(folder), mode="r+")


def _shape_at(shape: tuple[int, ...], level: int) -> tuple[int, ...]:
    return (*shape[:-2], *(-(-side // 2**level) for side in shape[-2:]))


def _copy(source: Any, target: Any, chunk: int, step: int) -> None:
    *planes, rows, columns = target.shape
    starts = (*map(range, planes), range(0, rows, chunk), range(0, columns, chunk))
    for *plane, top, left in product(*starts):
        above = tuple(slice(index, index + 1) for index in plane)
        places = [(top, min(top + chunk, rows)), (left, min(left + chunk, columns))]
        box = (
            slice(start * step, min(stop * step, side))
            for (start, stop), side in zip(places, source.shape[-2:], strict=True)
        )
        part = np.asarray(source[(*above, *box)])[..., ::step, ::step]
        if part.any():
            target[(*above, *(slice(*place) for place in places))] = part


def _metadata(name: str, axes: str, levels: int, pixel_size: Sequence[float] | None) -> dict[str, Any]:
    known = pixel_size is not None and bool(np.isfinite(pixel_size).all())
    sizes = dict(zip("XYZ", pixel_size, strict=False)) if pixel_size is not None and known else {}
    spatial = {"type": "space", "unit": "micrometer"} if known else {"type": "space"}
    described = [
        {"name": axis.lower(), **(spatial if _KINDS[axis] == "space" else {"type": "channel"})}
        for axis in axes
    ]
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": [
                {
                    "type": "scale",
                    "scale": [float(sizes.get(axis, 1)) * (2**level if axis in "XY" else 1) for axis in axes],
                }
            ],
        }
        for level in range(levels)
    ]
    return {"multiscales": [{"version": "0.4", "name": name, "axes": described, "datasets": datasets}]}
