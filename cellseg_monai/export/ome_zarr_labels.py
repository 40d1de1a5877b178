"""Label maps as OME-Zarr: alone or beside their image, with colours and a table of the objects."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import zarr

from cellseg_monai.colours import colours_of
from cellseg_monai.export.objects import Objects, records
from cellseg_monai.export.ome_zarr import fill_ome_zarr, require_absent, write_group
from cellseg_monai.export.pixels import Pixels, PixelSize
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.outputs import StrPath, written_whole
from cellseg_monai.outputs.origin import Origin, origin_metadata


def write_ome_zarr_labels(
    path: StrPath,
    label_map: npt.ArrayLike,
    table: pd.DataFrame | None = None,
    image: Pixels | None = None,
    axes: str = "YX",
    *,
    name: str = "cells",
    pixel_size: PixelSize = None,
    chunk: int = 512,
    overwrite: bool = False,
    origin: Origin | None = None,
) -> None:
    """Write a label map as OME-Zarr (NGFF 0.4), at several resolutions, with a colour for each object.

    Args:
        path: folder to write.
        label_map: label map of one plane.
        table: one row per object, with its id as index; its columns become properties of the objects.
        image: image of the same size. If given, the folder holds the image, with the label map in its
            sub-folder ``labels/``, where viewers look for it; otherwise it holds the label map alone.
        axes: one letter per dimension of the image, ending with YX.
        name: name of the label map in ``labels/``.
        pixel_size: micrometres along x and y, if known.
        chunk: side of a chunk in pixels.
        overwrite: whether to replace an existing folder.
        origin: bundle and weights that made the labels, for their metadata.

    Raises:
        FileExistsError: the folder exists and `overwrite` is not set.
        ValueError: image and label map differ in rows or columns.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.ome.zarr"
        >>> write_ome_zarr_labels(path, [[0, 5, 5]], image=np.zeros((2, 1, 3), np.uint8), axes="CYX")
        >>> sorted(child.name for child in Path(path).iterdir())
        ['.zattrs', '.zgroup', '0', 'labels']
    """
    ids = as_label_map(label_map)
    if image is not None and tuple(image.shape[-2:]) != ids.shape:
        raise ValueError(f"image {image.shape[-2:]} and labels {ids.shape} differ in rows or columns")
    present = np.setdiff1d(ids, 0)
    known = records(table, present.tolist(), path)
    colours = [
        {"label-value": number, "rgba": [*colour, 255]}
        for number, colour in zip(present.tolist(), colours_of(present).tolist(), strict=True)
    ]
    described: dict[str, Any] = {"version": "0.4"}
    require_absent(path, overwrite)
    with written_whole(path) as folder:
        place, called = folder, Path(path).name
        if image is not None:
            fill_ome_zarr(folder, called, image, axes, pixel_size, chunk, {})
            write_group(folder / "labels", {"labels": [name]})
            place, called = folder / "labels" / name, name
            described["source"] = {"image": "../../"}
        described["colors"] = colours
        if known:
            described["properties"] = [{"label-value": number, **row} for number, row in known.items()]
        more = {"image-label": described, **origin_metadata(origin)}
        fill_ome_zarr(place, called, ids, "YX", pixel_size, chunk, more)


def read_ome_zarr_labels(path: StrPath, name: str | None = None) -> Objects:
    """Read a label map with what is known of its objects, from OME-Zarr of versions 0.1 to 0.5.

    Args:
        path: folder to read.
        name: name of the label map, needed if the folder holds an image with several.

    Returns:
        The label map and the table of its properties.

    Raises:
        ValueError: the folder is not OME-Zarr, has no label map of that name, or has several and `name` is
            not given.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.ome.zarr"
        >>> write_ome_zarr_labels(path, [[0, 5, 5]], pd.DataFrame({"area": [2]}, index=[5]))
        >>> read_ome_zarr_labels(path).table
           area
        5     2
    """
    try:
        group = zarr.open_group(str(path), mode="r")
    except (FileNotFoundError, ValueError, KeyError) as error:
        raise ValueError(f"{path}: cannot be read as OME-Zarr: {error}") from error
    names = [str(one) for one in _metadata(group["labels"]).get("labels", ())] if "labels" in group else []
    if names:
        chosen = names[0] if name is None and len(names) == 1 else name
        if chosen not in names:
            raise ValueError(f"{path}: name must be one of its label maps, {', '.join(names)}, not {chosen}")
        group = group[f"labels/{chosen}"]
    metadata = _metadata(group)
    if "multiscales" not in metadata or (name is not None and not names):
        raise ValueError(f"{path}: has no label map{f' named {name}' if name else ''}")
    pixels = np.asarray(group[metadata["multiscales"][0]["datasets"][0]["path"]])
    if any(side > 1 for side in pixels.shape[:-2]):
        raise ValueError(f"{path}: a label map must have one plane, but this one has shape {pixels.shape}")
    rows = (metadata.get("image-label") or {}).get("properties") or []
    known = {int(row["label-value"]): {key: row[key] for key in row if key != "label-value"} for row in rows}
    table = pd.DataFrame.from_dict(known, orient="index")
    return Objects(as_label_map(pixels.reshape(pixels.shape[-2:])), table)


def _metadata(group: Any) -> Mapping[str, Any]:
    attributes = dict(group.attrs)
    found: Mapping[str, Any] = attributes.get("ome", attributes)  # since version 0.5
    return found
