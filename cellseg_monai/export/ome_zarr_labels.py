"""Label maps as OME-Zarr: alone or beside their image, with colours and with what is known of each object."""

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import zarr

from cellseg_monai.export.colours import colours_of
from cellseg_monai.export.objects import Objects, records
from cellseg_monai.export.ome_zarr import fill_ome_zarr, require_absent
from cellseg_monai.export.tiled_tiff import Pixels
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.outputs import written_whole


def write_ome_zarr_labels(
    path: str | PathLike[str],
    label_map: npt.ArrayLike,
    table: pd.DataFrame | None = None,
    image: Pixels | None = None,
    axes: str = "YX",
    name: str = "cells",
    pixel_size: Sequence[float] | None = None,
    chunk: int = 512,
    overwrite: bool = False,
) -> None:
    """Write a label map as OME-Zarr (NGFF 0.4), at several sizes, with a colour for each object.

    Args:
        path: the folder.
        label_map: rows and columns.
        table: a row an object, its id as index: its columns become properties of the objects.
        image: if given, it is what the folder holds, and the label map lies in ``labels/`` in it, where
            viewers look; without it the folder holds the label map alone.
        axes: what the dimensions of ``image`` are, Y and X last.
        name: of the label map in ``labels/``.
        pixel_size: micrometres along x and y, if known.
        chunk: side of the chunks.
        overwrite: replace a folder that exists.

    Raises:
        FileExistsError: the folder exists.
        ValueError: image and labels differ in rows or columns, or the axes do not fit the image.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.ome.zarr"
        >>> write_ome_zarr_labels(path, [[0, 5, 5]], image=np.zeros((2, 1, 3), np.uint8), axes="CYX")
        >>> sorted(child.name for child in Path(path).iterdir())
        ['.zattrs', '.zgroup', '0', 'labels']
    """
    ids = as_label_map(label_map)
    if image is not None and tuple(image.shape[-2:]) != ids.shape:
        raise ValueError(
            f"image {tuple(image.shape[-2:])} and labels {ids.shape} differ in rows or columns; crop one"
        )
    known = records(table, np.setdiff1d(ids, 0).tolist(), path)
    require_absent(path, overwrite)
    with written_whole(path) as folder:
        described: dict[str, Any] = {}
        place, called = folder, Path(path).name
        if image is not None:
            fill_ome_zarr(folder, called, image, axes, pixel_size, chunk, labels=False)
            collection = folder / "labels"
            collection.mkdir()
            (collection / ".zgroup").write_text(json.dumps({"zarr_format": 2}))
            (collection / ".zattrs").write_text(json.dumps({"labels": [name]}))
            place, called = collection / name, name
            described["source"] = {"image": "../../"}
        fill_ome_zarr(place, called, ids, "YX", pixel_size, chunk, labels=True)
        described |= _of_each(ids, known)
        attributes = place / ".zattrs"
        metadata = json.loads(attributes.read_text())
        metadata["image-label"] |= described
        attributes.write_text(json.dumps(metadata, indent=None if len(described["colors"]) > 100 else 2))


def read_ome_zarr_labels(path: str | PathLike[str], name: str | None = None) -> Objects:
    """Read a label map with what is known of its objects, from OME-Zarr of versions 0.1 to 0.5.

    Args:
        path: the folder.
        name: of the label map, where the folder holds an image with several.

    Returns:
        The label map and the table of its properties.

    Raises:
        ValueError: it is no OME-Zarr, has no label map of that name, or several and none is named.

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
    names = _names(group)
    if names:
        chosen = names[0] if name is None and len(names) == 1 else name
        if chosen not in names:
            raise ValueError(f"{path}: name one of its label maps, {', '.join(names)}, not {chosen}")
        group = group[f"labels/{chosen}"]
    metadata = _metadata(group)
    if "multiscales" not in metadata or (name is not None and not names):
        raise ValueError(f"{path}: has no label map{f' called {name}' if name else ''}")
    pixels = np.asarray(group[metadata["multiscales"][0]["datasets"][0]["path"]])
    if any(side > 1 for side in pixels.shape[:-2]):
        raise ValueError(f"{path}: a label map is one plane, this one has the shape {pixels.shape}")
    rows = (metadata.get("image-label") or {}).get("properties") or []
    known = {int(row["label-value"]): {key: row[key] for key in row if key != "label-value"} for row in rows}
    table = pd.DataFrame.from_dict(known, orient="index") if known else pd.DataFrame()
    return Objects(as_label_map(pixels.reshape(pixels.shape[-2:])), table)


def _of_each(ids: npt.NDArray[np.int32], known: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    present = np.setdiff1d(ids, 0)
    colours = colours_of(present).tolist()
    described: dict[str, Any] = {
        "colors": [
            {"label-value": number, "rgba": [*colour, 255]}
            for number, colour in zip(present.tolist(), colours, strict=True)
        ]
    }
    if known:
        described["properties"] = [{"label-value": number, **row} for number, row in known.items()]
    return described


def _metadata(group: Any) -> Mapping[str, Any]:
    attributes = dict(group.attrs)
    found: Mapping[str, Any] = attributes.get("ome", attributes)  # from version 0.5 on
    return found


def _names(group: Any) -> list[str]:
    if "labels" not in group:
        return []
    return [str(name) for name in _metadata(group["labels"]).get("labels", ())]
