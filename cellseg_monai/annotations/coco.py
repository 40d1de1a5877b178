"""COCO, the format of object detection, also as CVAT exports it: polygons or run lengths of many images.

Coordinates are pixels from the upper left corner of the image; run lengths go down the columns.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from cellseg_monai.annotations.bitmaps import rings_of_runs
from cellseg_monai.annotations.regions import Annotated, Region, Rings, without_area
from cellseg_monai.polygons import Shape

CELL = "cell"
"""Category of objects without a class."""


def read(path: Path) -> list[Annotated]:
    """Read the objects of each image, in the order of the file.

    Annotations without ``label`` have no id. If the only category is ``cell``, objects have no class. Boxes
    without a segmentation are left out.

    Raises:
        ValueError: the file is not a COCO file, or a segmentation is neither polygons nor run lengths.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        names = {one["id"]: str(one["name"]) for one in content.get("categories", ())}
        of_image: dict[Any, list[Any]] = {one["id"]: [] for one in content["images"]}
        listed = content["annotations"]
        for one in listed.values() if isinstance(listed, dict) else listed:  # LIVECell has a table
            of_image[one["image_id"]].append(one)
        images = [(str(one["file_name"]), _size(one), of_image[one["id"]]) for one in content["images"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is not a COCO file: {type(error).__name__} {error}") from error
    classes = {} if set(names.values()) <= {CELL} else names
    return [_annotated(name, size, annotations, classes) for name, size, annotations in images]


def _size(image: Any) -> Shape | None:
    return (int(image["height"]), int(image["width"])) if "height" in image and "width" in image else None


def _annotated(name: str, size: Shape | None, annotations: list[Any], classes: dict[Any, str]) -> Annotated:
    kept = [one for one in annotations if one.get("segmentation")]
    regions = [
        Region(_parts(name, one["segmentation"], size), one.get("label"), classes.get(one.get("category_id")))
        for one in kept
    ]
    notes = without_area(["bounding rectangle"] * (len(annotations) - len(kept)), len(annotations))
    return Annotated(regions, name, size, notes)


def _parts(name: str, segmentation: Any, size: Shape | None) -> list[Rings]:
    """Rings of each piece of an object: each polygon is a piece, run lengths are one."""
    try:
        if not isinstance(segmentation, dict):
            return [[np.asarray(corners, np.float64).reshape(-1, 2)] for corners in segmentation]
        rows, columns = segmentation["size"]
        if size not in (None, (rows, columns)):
            raise ValueError(f"run lengths for an image of size {segmentation['size']}, not {size}")
        return [rings_of_runs(segmentation["counts"], (rows, columns))]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{name}: a segmentation cannot be read: {error}") from error
