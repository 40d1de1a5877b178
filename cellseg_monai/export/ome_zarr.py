"""Images of any size as OME-Zarr, in chunks and at several resolutions."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from cellseg_monai.export.pixels import Pixels, PixelSize, boxes, known_size, require_axes
from cellseg_monai.outputs import StrPath, written_whole
from cellseg_monai.outputs.origin import Origin, origin_metadata

_COMPRESSOR = {"id": "blosc", "cname": "zstd", "clevel": 5, "shuffle": 1, "blocksize": 0}


def write_ome_zarr(
    path: StrPath,
    pixels: Pixels,
    axes: str = "YX",
    pixel_size: PixelSize = None,
    *,
    chunk: int = 512,
    labels: bool = True,
    overwrite: bool = False,
    origin: Origin | None = None,
) -> None:
    """Write an image as OME-Zarr (NGFF 0.4); only a few chunks are in memory at a time.

    Viewers need smaller versions of the image. Each takes every second pixel of the one before in x and y,
    since ids must not be averaged, until the image fits into one chunk.

    Args:
        path: folder to write.
        pixels: image, read chunk by chunk in reading order.
        axes: one letter per dimension (T, C, Z, Y or X), ending with YX.
        pixel_size: micrometres along x and y (and z), if known.
        chunk: side of a chunk in x and y; along other axes chunks have one plane.
        labels: whether the pixels are ids of objects, for the metadata.
        overwrite: whether to replace an existing folder.
        origin: bundle and weights that made the pixels, for the metadata.

    Raises:
        FileExistsError: the folder exists and `overwrite` is not set.
        ValueError: the axes do not match the shape.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/labels.ome.zarr"
        >>> write_ome_zarr(path, np.eye(40, 50, dtype=np.int32), chunk=16)
        >>> [zarr.open_array(f"{path}/{level}", mode="r").shape for level in range(3)]
        [(40, 50), (20, 25), (10, 13)]
    """
    require_axes(axes, pixels.shape, known="TCZYX")
    if chunk < 1:
        raise ValueError(f"chunk must be at least 1 pixel, not {chunk}")
    require_absent(path, overwrite)
    with written_whole(path) as part:
        image_label = {"image-label": {"version": "0.4"}} if labels else {}
        more = image_label | origin_metadata(origin)
        fill_ome_zarr(part, Path(path).name, pixels, axes, pixel_size, chunk, more)


def require_absent(path: StrPath, overwrite: bool) -> None:
    """Raise if a folder exists and must not be replaced."""
    if Path(path).exists() and not overwrite:
        raise FileExistsError(f"{path} exists; choose another name, or set overwrite")


def fill_ome_zarr(
    folder: Path,
    name: str,
    pixels: Pixels,
    axes: str,
    pixel_size: PixelSize,
    chunk: int,
    more: dict[str, Any],
) -> None:
    """Write an image with some more metadata into a new folder; see :func:`write_ome_zarr`."""
    level, source = 0, pixels
    write_group(folder, {})
    while True:
        shape = (*pixels.shape[:-2], *(-(-side // 2**level) for side in pixels.shape[-2:]))
        target = _new_array(folder / str(level), shape, pixels.dtype, chunk)
        _copy(source, target, chunk, step=2 if level else 1)
        if max(shape[-2:]) <= chunk:
            break
        level, source = level + 1, target
    write_group(folder, _metadata(name, axes, level + 1, pixel_size) | more)


def write_group(folder: Path, attributes: dict[str, Any]) -> None:
    """Make a Zarr group (version 2) with attributes, or replace the attributes of one.

    The files of groups and arrays are written here, as the calls of zarr 2 and zarr 3 differ.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp()) / "labels"
        >>> write_group(folder, {"labels": ["cells"]})
        >>> zarr.open_group(str(folder), mode="r").attrs["labels"]
        ['cells']
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
    long = len(attributes.get("image-label", {}).get("colors", ())) > 100
    (folder / ".zattrs").write_text(json.dumps(attributes, indent=None if long else 2))


def _new_array(folder: Path, shape: Sequence[int], dtype: Any, chunk: int) -> Any:
    """Make a Zarr array (version 2) of zeros, in square chunks of one plane."""
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
    folder.mkdir()
    (folder / ".zarray").write_text(json.dumps(description))
    return zarr.open_array(str(folder), mode="r+")


def _copy(source: Any, target: Any, chunk: int, step: int) -> None:
    """Copy every `step`-th pixel in x and y; chunks of zeros are not stored."""
    for box in boxes(target.shape, chunk):
        wide = (slice(side.start * step, side.stop * step) for side in box[-2:])
        part = np.asarray(source[(*box[:-2], *wide)])[..., ::step, ::step]
        if part.any():
            target[box] = part


def _metadata(name: str, axes: str, levels: int, pixel_size: PixelSize) -> dict[str, Any]:
    sizes = dict(zip("XYZ", known_size(pixel_size), strict=False))
    spatial = {"type": "space", "unit": "micrometer"} if sizes else {"type": "space"}
    datasets = []
    for level in range(levels):
        scale = [float(sizes.get(axis, 1)) * (2**level if axis in "XY" else 1) for axis in axes]
        transform = {"type": "scale", "scale": scale}
        datasets.append({"path": str(level), "coordinateTransformations": [transform]})
    kinds = {"C": {"type": "channel"}, "T": {"type": "time"}}
    described = [{"name": axis.lower(), **kinds.get(axis, spatial)} for axis in axes]
    return {"multiscales": [{"version": "0.4", "name": name, "axes": described, "datasets": datasets}]}
