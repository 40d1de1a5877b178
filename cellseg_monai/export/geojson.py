"""GeoJSON as QuPath writes and reads it: outlines with classes and measurements."""

import json
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.export.colours import colours_of
from cellseg_monai.export.objects import Objects, Rings, draw, logger, numbered, records
from cellseg_monai.export.outlining import Outline, outlines
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.outputs import written_whole
from cellseg_monai.polygons import Shape

ObjectType = Literal["detection", "annotation"]


def write_geojson(
    path: str | PathLike[str],
    label_map: npt.ArrayLike,
    table: pd.DataFrame | None = None,
    object_type: ObjectType = "detection",
) -> None:
    """Write the outlines of the objects as a collection of features, one a line.

    Coordinates are pixels, along the edges of the pixels, so nothing is lost. A feature has the id as
    ``name``, which QuPath keeps, and as ``label``. What is not finite is left out of the measurements.

    Args:
        path: the file, ``.geojson``.
        label_map: rows and columns.
        table: a row an object, its id as index: ``class`` becomes the classification, numbers become
            measurements, other columns metadata.
        object_type: detections are fast in QuPath by the hundred thousand; annotations can be edited.

    Raises:
        ValueError: ``object_type`` is another word, or the table has two rows for an id.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.geojson"
        >>> write_geojson(path, [[0, 5, 5]], pd.DataFrame({"class": ["Tumor"], "area": [2]}, index=[5]))
        >>> feature = json.loads(Path(path).read_text())["features"][0]
        >>> feature["geometry"]["coordinates"], feature["properties"]["measurements"]
        ([[[1, 0], [3, 0], [3, 1], [1, 1], [1, 0]]], {'area': 2})
    """
    if object_type not in ("detection", "annotation"):
        raise ValueError(f"object_type is 'detection' or 'annotation', not {object_type!r}")
    ids = as_label_map(label_map)
    traced = outlines(ids)
    known = records(table, [one.id for one in traced], path)
    names = sorted({str(row["class"]) for row in known.values() if "class" in row})
    classes = {
        name: {"name": name, "color": colours_of(place).tolist()} for place, name in enumerate(names, start=1)
    }
    with written_whole(path) as part, part.open("w", encoding="utf-8") as file:
        file.write(f'{{"type": "FeatureCollection", "shape": {json.dumps(ids.shape)}, "features": [')
        for place, one in enumerate(traced):
            properties = {"objectType": object_type, "name": str(one.id), "label": one.id}
            feature = {
                "type": "Feature",
                "geometry": _geometry(one),
                "properties": properties | _described(known.get(one.id, {}), classes),
            }
            file.write(",\n" if place else "\n")
            file.write(json.dumps(feature, ensure_ascii=False))
        file.write("\n]}\n")


def read_geojson(path: str | PathLike[str], shape: Shape | None = None) -> Objects:
    """Read polygons as a label map, with their classes and measurements.

    A pixel belongs to the polygon that its centre lies in. What is no polygon, objects that tell no id, and
    pixels in several objects are told in the log.

    Args:
        path: a file of :func:`write_geojson`, of QuPath, or of anything that counts in pixels.
        shape: rows and columns, where the file does not tell them (that of QuPath does not).

    Returns:
        The label map and the table.

    Raises:
        ValueError: it is no GeoJSON, or the file tells another shape.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.geojson"
        >>> write_geojson(path, [[0, 5, 5]])
        >>> read_geojson(path).label_map
        array([[0, 5, 5]], dtype=int32)
    """
    features, stored = _features(path)
    kept = [one for one in features if (one.get("geometry") or {}).get("type") in ("Polygon", "MultiPolygon")]
    if len(kept) < len(features):
        logger.warning(
            "%s: %d of %d features are no polygons and are left out",
            path,
            len(features) - len(kept),
            len(features),
        )
    ids = numbered(path, [_id(one.get("properties") or {}) for one in kept])
    drawn: list[tuple[int, Rings]] = []
    for number, one in zip(ids, kept, strict=True):
        drawn += [(number, rings) for rings in _polygons(path, one["geometry"])]
    label_map = draw(path, drawn, stored, shape)
    known = {
        number: row
        for number, one in zip(ids, kept, strict=True)
        if (row := _known(one.get("properties") or {}))
    }
    return Objects(label_map, pd.DataFrame.from_dict(known, orient="index") if known else pd.DataFrame())


def _geometry(one: Outline) -> dict[str, Any]:
    polygons = [[[*(corners := ring.tolist()), corners[0]] for ring in polygon] for polygon in one.polygons]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _described(known: Mapping[str, Any], classes: Mapping[str, Any]) -> dict[str, Any]:
    """Classification, measurements and metadata, each only where there is one."""
    numbers = {name: value for name, value in known.items() if isinstance(value, int | float)}
    words = {name: str(value) for name, value in known.items() if name not in numbers and name != "class"}
    numbers.pop("class", None)
    parts = {
        "classification": classes.get(str(known.get("class"))),
        "measurements": numbers,
        "metadata": words,
    }
    return {name: part for name, part in parts.items() if part}


def _features(path: str | PathLike[str]) -> tuple[list[dict[str, Any]], Shape | None]:
    """The features of a collection, a bare list, or a single one; and rows and columns if they are told."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if isinstance(content, list):
        features, shape = content, None
    elif isinstance(content, dict) and content.get("type") == "Feature":
        features, shape = [content], None
    elif isinstance(content, dict) and isinstance(content.get("features"), list):
        features, shape = content["features"], content.get("shape")
    else:
        raise ValueError(f"{path}: is no GeoJSON of features")
    if not all(isinstance(one, dict) for one in features):
        raise ValueError(f"{path}: is no GeoJSON of features")
    return features, (int(shape[0]), int(shape[1])) if shape else None


def _id(properties: Mapping[str, Any]) -> int | None:
    for value in (str(properties.get("label")), str(properties.get("name"))):
        if value.isdecimal() and int(value) > 0:
            return int(value)
    return None


def _polygons(path: str | PathLike[str], geometry: Mapping[str, Any]) -> Iterator[Rings]:
    try:
        coordinates = geometry["coordinates"]
        for polygon in [coordinates] if geometry["type"] == "Polygon" else coordinates:
            yield [np.asarray(ring, np.float64)[:, :2] for ring in polygon]
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise ValueError(f"{path}: a polygon is no list of rings of numbers: {error}") from error


def _known(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Class, measurements (a mapping, or a list as before QuPath 0.4) and metadata."""
    kind = properties.get("classification")
    measured = properties.get("measurements") or {}
    if isinstance(measured, list):
        measured = {one["name"]: one["value"] for one in measured}
    name = kind.get("name") if isinstance(kind, dict) else kind
    if isinstance(kind, dict) and name is None and kind.get("names"):
        name = ": ".join(kind["names"])
    return {**({"class": name} if name else {}), **measured, **(properties.get("metadata") or {})}
