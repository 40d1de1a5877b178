"""Which tool wrote a file of annotations, by its suffix and content, and the reader of each."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cellseg_monai.annotations import coco, cvat, geojson, imagej, labelme, napari
from cellseg_monai.annotations.regions import Annotated
from cellseg_monai.outputs import StrPath


class Format(NamedTuple):
    """Format of annotations.

    Attributes:
        title: name for people.
        read: function that reads the objects of each image of a file.

    Example:
        >>> FORMATS["rois"].title
        'ImageJ regions'
    """

    title: str
    read: Callable[[Path], list[Annotated]]


FORMATS: Mapping[str, Format] = {
    "coco": Format("COCO", coco.read),
    "cvat": Format("CVAT for images", cvat.read),
    "geojson": Format("GeoJSON", geojson.read),
    "labelme": Format("Labelme", labelme.read),
    "napari": Format("napari shapes", napari.read),
    "rois": Format("ImageJ regions", imagej.read),
}
"""Formats by name."""


def format_of(path: StrPath) -> str | None:
    """Find out the format of a file of annotations.

    Args:
        path: file to look into.

    Returns:
        A name of :data:`FORMATS`, or None if the file has none of them.

    Raises:
        ValueError: a JSON file is damaged.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "a.json")
        >>> _ = path.write_text('{"version": "5.0", "shapes": [], "imagePath": "a.png"}')
        >>> format_of(path)
        'labelme'
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return "rois" if imagej.has_regions(path) else None
    if suffix == ".json":
        return _of_json(path)
    if suffix in (".csv", ".xml"):
        with path.open("rb") as file:
            start = file.read(4096).decode("utf-8", "replace").removeprefix("\ufeff")
        if suffix == ".csv":
            return "napari" if start.startswith(napari.HEADER) else None
        return "cvat" if "<annotations" in start else None
    return {".geojson": "geojson", ".roi": "rois"}.get(suffix)


def _of_json(path: Path) -> str | None:
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: invalid JSON: {error}") from error
    if isinstance(content, list):
        return (
            "geojson"
            if content and all(isinstance(one, dict) and one.get("type") == "Feature" for one in content)
            else None
        )
    if not isinstance(content, dict):
        return None
    if {"images", "annotations"} <= set(content):
        return "coco"
    if "shapes" in content:
        return "labelme"
    return "geojson" if "features" in content or content.get("type") == "Feature" else None


def read_annotations(path: StrPath, kind: str | None = None) -> list[Annotated]:
    r"""Read a file of annotations.

    Args:
        path: file to read.
        kind: name of its format (default: found out).

    Returns:
        Objects of each image in the file.

    Raises:
        ValueError: the format is not known, or the file cannot be read. The message names the file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp(), "shapes.csv")
        >>> rows = "0,polygon,0,0,0\n0,polygon,1,0,2\n0,polygon,2,2,0\n"
        >>> _ = path.write_text("index,shape-type,vertex-index,axis-0,axis-1\n" + rows)
        >>> [one.parts[0][0].tolist() for one in read_annotations(path)[0].regions]
        [[[0.5, 0.5], [2.5, 0.5], [0.5, 2.5]]]
    """
    path = Path(path)
    found = kind or format_of(path)
    if found is None:
        known = ", ".join(one.title for one in FORMATS.values())
        raise ValueError(f"{path}: is not a file of annotations in a known format: {known}")
    try:
        return FORMATS[found].read(path)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    except Exception as error:  # whatever a damaged file makes a reader raise
        raise ValueError(f"{path}: is damaged ({type(error).__name__}: {error}); export it again") from error
