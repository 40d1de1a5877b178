"""OME-Zarr (NGFF 0.1 to 0.5): a folder with an image in chunks, often as a pyramid."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from cellseg_monai.data.readers.axes import Part, channels_last, checked_level, locate, selected
from cellseg_monai.data.readers.picture import MICROMETRES, Kind, Picture
from cellseg_monai.memory import IN_PARTS, require_room

SUFFIXES = (".zarr",)


def read_ome_zarr(path: Path, kind: Kind, part: Part) -> Picture:
    """Read an image, or only the chunks that a region needs."""
    group = zarr.open_group(str(path), mode="r")
    metadata: dict[str, Any] = dict(group.attrs)
    metadata = metadata.get("ome", metadata)  # NGFF 0.5 and later
    if "multiscales" not in metadata:
        raise ValueError(
            f"its metadata has no image (multiscales), only {', '.join(sorted(metadata)) or 'nothing'}; "
            "choose one image inside the plate or collection"
        )
    image = metadata["multiscales"][0]
    level = checked_level(part.level, len(image["datasets"]))
    array = group[image["datasets"][level]["path"]]
    stored = _axes(image, array.ndim)
    index, kept = locate(part, stored, array.shape)
    require_room(array.chunks, array.dtype.itemsize, IN_PARTS)
    require_room(selected(index, array.shape), array.dtype.itemsize)
    pixels, axes = channels_last(np.asarray(array[index]), kept)
    names = tuple(str(channel.get("label", "")) for channel in metadata.get("omero", {}).get("channels", ()))
    return Picture(
        pixels,
        axes,
        _pixel_size(image, level, part.names(stored)),
        names if all(names) else (),
        stored_shape=array.shape,
        stored_axes=stored,
    )


def _axes(image: Mapping[str, Any], dimensions: int) -> str:
    """Letters of the axes; the first NGFF versions do not store them."""
    axes = image.get("axes") or list("tczyx"[-dimensions:])
    return "".join(axis if isinstance(axis, str) else axis["name"] for axis in axes).upper()


def _pixel_size(image: Mapping[str, Any], level: int, names: str) -> tuple[float, ...]:
    """Micrometres along x, y and z, up to the first axis without a unit of length."""
    parts = (image, image["datasets"][level])
    steps = [step for part in parts for step in part.get("coordinateTransformations", ())]
    scales = [step["scale"] for step in steps if step.get("type") == "scale"]
    scale = np.prod([[1.0] * len(names), *scales], axis=0)
    axes = [axis if isinstance(axis, dict) else {} for axis in image.get("axes") or [{}] * len(names)]
    size: list[float] = []
    for place in (names.index(letter) for letter in "XYZ" if letter in names):
        unit = MICROMETRES.get(axes[place].get("unit", ""))
        if unit is None:
            break
        size.append(float(scale[place]) * unit)
    return tuple(size)
