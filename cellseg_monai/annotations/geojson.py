"""GeoJSON as QuPath writes it: polygons with classes and measurements.

Coordinates are pixels from the upper left corner of the image, as QuPath draws them.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cellseg_monai.annotations.regions import Annotated, Region, Rings, without_area
from cellseg_monai.polygons import Shape

_AREAS = ("Polygon", "MultiPolygon")


def read(path: Path) -> list[Annotated]:
    """Read the polygons of a feature collection, a bare list of features, or a single feature.

    ``label`` or ``name`` is the id if it is a whole number.

    Raises:
        ValueError: the file is not GeoJSON of features.
    """
    features, size = _features(path)
    kinds = [str((one.get("geometry") or {}).get("type")) for one in features]
    kept = [one for one, kind in zip(features, kinds, strict=True) if kind in _AREAS]
    notes = without_area((kind for kind in kinds if kind not in _AREAS), len(features))
    return [Annotated([_region(one) for one in kept], None, size, (*notes, *_mixed(kept)))]


def _features(path: Path) -> tuple[list[dict[str, Any]], Shape | None]:
    """Features of the file, and the image size if the file has it, as those of this package."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"cannot be read: {error}") from error
    if isinstance(content, dict) and content.get("type") == "Feature":
        content = [content]
    collection = content if isinstance(content, dict) else {"features": content}
    features = collection.get("features")
    if not isinstance(features, list) or not all(isinstance(one, dict) for one in features):
        raise ValueError("is not a GeoJSON file of features")
    shape = collection.get("shape")
    return features, (int(shape[0]), int(shape[1])) if shape else None


def _mixed(features: list[dict[str, Any]]) -> Iterator[str]:
    """Tell if there are annotations beside detections; the former may be regions that contain the cells."""
    types = [(one.get("properties") or {}).get("objectType") for one in features]
    cells = sum(kind in ("cell", "detection") for kind in types)
    if cells and "annotation" in types:
        yield (
            f"{types.count('annotation')} annotations beside {cells} detections count as cells; if they are "
            "regions of interest, export the detections alone"
        )


def _region(feature: Mapping[str, Any]) -> Region:
    properties = feature.get("properties") or {}
    values = (str(properties.get(key)) for key in ("label", "name"))
    number = next((int(value) for value in values if value.isdecimal() and int(value) > 0), None)
    known = _known(properties)
    kind = known.pop("class", None)
    return Region(_polygons(feature["geometry"]), number, kind, known)


def _polygons(geometry: Mapping[str, Any]) -> list[Rings]:
    try:
        coordinates = geometry["coordinates"]
        polygons = [coordinates] if geometry["type"] == "Polygon" else coordinates
        return [[np.asarray(ring, np.float64)[:, :2] for ring in polygon] for polygon in polygons]
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise ValueError(f"a polygon is not a list of rings of numbers: {error}") from error


def _known(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Class, measurements (a mapping, or a list from before QuPath 0.4) and metadata."""
    kind = properties.get("classification")
    measured = properties.get("measurements") or {}
    if isinstance(measured, list):
        measured = {one["name"]: one["value"] for one in measured}
    if isinstance(kind, dict):
        kind = kind.get("name") or ": ".join(kind.get("names") or ())
    return {**({"class": kind} if kind else {}), **measured, **(properties.get("metadata") or {})}
