"""GeoJSON as QuPath reads and writes it: outlines with classes and measurements."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy.typing as npt
import pandas as pd

from cellseg_monai.annotations import read_annotations
from cellseg_monai.colours import colours_of
from cellseg_monai.export.objects import Objects, objects_of, records
from cellseg_monai.export.outlining import Outline, outlines
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.outputs import StrPath, written_whole
from cellseg_monai.polygons import Shape

ObjectType = Literal["detection", "annotation"]


def write_geojson(
    path: StrPath,
    label_map: npt.ArrayLike,
    table: pd.DataFrame | None = None,
    *,
    object_type: ObjectType = "detection",
) -> None:
    """Write the outlines of the objects as a feature collection, one feature per line.

    Coordinates are in pixels and follow the edges of the pixels, so that nothing is lost. Each feature stores
    the id as ``name``, which QuPath keeps, and as ``label``. Values that are not finite are left out.

    Args:
        path: file to write, ``.geojson``.
        label_map: label map of one plane.
        table: one row per object, with its id as index: ``class`` becomes the classification, numbers become
            measurements, other columns metadata.
        object_type: ``"detection"``, which QuPath handles by the hundred thousand, or ``"annotation"``,
            which can be edited there.

    Raises:
        ValueError: `object_type` is neither of the two, or the table has two rows for an id.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = f"{tempfile.mkdtemp()}/cells.geojson"
        >>> write_geojson(path, [[0, 5, 5]], pd.DataFrame({"class": ["Tumor"], "area": [2]}, index=[5]))
        >>> feature = json.loads(Path(path).read_text())["features"][0]
        >>> feature["geometry"]["coordinates"], feature["properties"]["measurements"]
        ([[[1, 0], [3, 0], [3, 1], [1, 1], [1, 0]]], {'area': 2})
    """
    if object_type not in ("detection", "annotation"):
        raise ValueError(f"object_type must be 'detection' or 'annotation', not {object_type!r}")
    ids = as_label_map(label_map)
    traced = outlines(ids)
    known = records(table, [one.id for one in traced], path)
    features = (
        (
            {"objectType": object_type, "name": str(one.id), "label": one.id},
            _geometry(one),
            known.get(one.id, {}),
        )
        for one in traced
    )
    names = sorted({str(row["class"]) for row in known.values() if "class" in row})
    _write_features(path, ids.shape, features, names)


def write_geojson_boxes(
    path: StrPath,
    boxes: Sequence[Sequence[int]],
    table: pd.DataFrame,
    shape: Shape,
    classes: Sequence[str],
) -> None:
    """Write rectangles for QuPath, as annotations, which its list shows one by one.

    Args:
        path: file to write, ``.geojson``.
        boxes: x, y, width and height of each rectangle, in pixels.
        table: one row per rectangle in the same order, with its name as index: ``class`` becomes the
            classification, numbers become measurements, other columns metadata.
        shape: rows and columns of the image.
        classes: names of all classes; each has the colour of its place, the same in several files.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = f"{tempfile.mkdtemp()}/boxes.geojson"
        >>> table = pd.DataFrame({"class": ["missing"]}, index=[1])
        >>> write_geojson_boxes(path, [(1, 0, 2, 1)], table, (4, 4), ["extra", "missing"])
        >>> feature = json.loads(Path(path).read_text())["features"][0]
        >>> feature["geometry"]["coordinates"], feature["properties"]["classification"]["name"]
        ([[[1, 0], [3, 0], [3, 1], [1, 1], [1, 0]]], 'missing')
    """
    corners = ([[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]] for x, y, w, h in boxes)
    features = (
        ({"objectType": "annotation", "name": str(name)}, {"type": "Polygon", "coordinates": [ring]}, row)
        for ring, name, row in zip(corners, table.index, table.to_dict("records"), strict=True)
    )
    _write_features(path, shape, features, classes)


def _write_features(
    path: StrPath,
    shape: tuple[int, ...],
    features: Iterable[tuple[dict[str, Any], dict[str, Any], Mapping[Any, Any]]],
    classes: Sequence[str],
) -> None:
    """Write properties, geometry and description of each feature, one per line."""
    coloured = {
        name: {"name": name, "color": colours_of(place).tolist()}
        for place, name in enumerate(classes, start=1)
    }
    with written_whole(path) as part, part.open("w", encoding="utf-8") as file:
        file.write(f'{{"type": "FeatureCollection", "shape": {json.dumps(shape)}, "features": [')
        for place, (properties, geometry, known) in enumerate(features):
            described = properties | _described(known, coloured)
            feature = {"type": "Feature", "geometry": geometry, "properties": described}
            file.write(",\n" if place else "\n")
            file.write(json.dumps(feature, ensure_ascii=False))
        file.write("\n]}\n")


def read_geojson(path: StrPath, shape: Shape | None = None) -> Objects:
    """Read polygons as a label map, with their classes and measurements.

    A pixel belongs to the polygon that contains its centre. Features that are not polygons, objects without
    an id, and pixels in several objects are reported in the log.

    Args:
        path: file from :func:`write_geojson`, QuPath, or any program that uses pixel coordinates.
        shape: rows and columns, needed if the file does not contain them (QuPath's files do not).

    Returns:
        The label map and the table.

    Raises:
        ValueError: the file is not GeoJSON, or is for an image with another shape.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = f"{tempfile.mkdtemp()}/cells.geojson"
        >>> write_geojson(path, [[0, 5, 5]])
        >>> read_geojson(path).label_map
        array([[0, 5, 5]], dtype=int32)
    """
    (annotated,) = read_annotations(path, "geojson")
    return objects_of(path, annotated, shape)


def _geometry(one: Outline) -> dict[str, Any]:
    polygons = [[[*(corners := ring.tolist()), corners[0]] for ring in polygon] for polygon in one.polygons]
    if len(polygons) == 1:
        return {"type": "Polygon", "coordinates": polygons[0]}
    return {"type": "MultiPolygon", "coordinates": polygons}


def _described(known: Mapping[str, Any], classes: Mapping[str, Any]) -> dict[str, Any]:
    """Classification, measurements and metadata; parts without content are left out."""
    others = {name: value for name, value in known.items() if name != "class"}
    measured = {name: value for name, value in others.items() if isinstance(value, int | float)}
    parts = {
        "classification": classes.get(str(known.get("class"))),
        "measurements": measured,
        "metadata": {name: str(value) for name, value in others.items() if name not in measured},
    }
    return {name: part for name, part in parts.items() if part}
