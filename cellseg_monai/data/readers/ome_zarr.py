"""OME-Zarr (NGFF 0.1 to 0.5): a folder that holds an image in chunks, often at several sizes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from cellseg_monai.data.readers.picture import Picture, Region
from cellseg_monai.data.readers.tiff import channels_last, checked_axes, index_of

SUFFIXES = (".zarr",)

_MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "meter": 1e6}


def read_ome_zarr(
    path: Path,
    axes: str | None = None,
    select: Mapping[str, int] | None = None,
    level: int = 0,
    region: Region | None = None,
) -> Picture:
    """Read an image, or the chunks of it that a region needs.

    Args:
        path: the folder.
        axes: a letter for each dimension, where the metadata names none or wrong ones.
        select: one plane of an axis, for example ``{"T": 0}``.
        level: of the pyramid; 0 is the full image.
        region: start and stop along x and y, in pixels of the level.

    Returns:
        The pixels with their axes, pixel size and channel names.
    """
    group = zarr.open_group(str(path), mode="r")
    metadata: dict[str, Any] = dict(group.attrs)
    metadata = metadata.get("ome", metadata)  # from version 0.5 on
    if "multiscales" not in metadata:
        raise ValueError(
            f"its metadata names no image (multiscales) but {', '.join(sorted(metadata)) or 'nothing'}; of a "
            "plate or a collection name one image in it"
        )
    image = metadata["multiscales"][0]
    levels = image["datasets"]
    if not 0 <= level < len(levels):
        raise ValueError(f"there is no pyramid level {level}; choose 0 to {len(levels) - 1}")
    array = group[levels[level]["path"]]
    stored = _axes(image, array.ndim)
    names = checked_axes(axes, stored, array.shape)
    chosen = dict(select or {})
    if "Z" in names and array.shape[names.index("Z")] == 1:  # as most writers have it
        chosen.setdefault("Z", 0)
    index = index_of(names, array.shape, chosen, region)
    kept = "".join(axis for axis, part in zip(names, index, strict=True) if isinstance(part, slice))
    pixels = channels_last(np.asarray(array[index]), kept)
    named = tuple(str(channel.get("label", "")) for channel in metadata.get("omero", {}).get("channels", ()))
    return Picture(
        pixels,
        "ZYXC" if "Z" in kept else "YXC",
        _pixel_size(image, level, names, "XYZ" if "Z" in kept else "XY"),
        named if len(named) == pixels.shape[-1] and all(named) else (),
        stored_shape=tuple(array.shape),
        stored_axes=stored,
    )


def _axes(image: Mapping[str, Any], dimensions: int) -> str:
    """Letters of the axes, which the first versions did not write down."""
    axes = image.get("axes") or list("tczyx"[-dimensions:])
    return "".join(axis if isinstance(axis, str) else axis["name"] for axis in axes).upper()


def _pixel_size(image: Mapping[str, Any], level: int, names: str, wanted: str) -> tuple[float, ...] | None:
    """Micrometres along x, y (and z), where all have a unit of length."""
    scale = np.ones(len(names))
    for step in (
        *image.get("coordinateTransformations", ()),
        *image["datasets"][level].get("coordinateTransformations", ()),
    ):
        if step.get("type") == "scale":
            scale = scale * np.asarray(step["scale"], np.float64)
    axes = [axis if isinstance(axis, dict) else {} for axis in image.get("axes") or [{}] * len(names)]
    size = []
    for letter in wanted:
        unit = _MICROMETRES.get(axes[names.index(letter)].get("unit", ""))
        if unit is None:
            return None
        size.append(float(scale[names.index(letter)]) * unit)
    return tuple(size)
