"""COCO, the format of object detection, also as CVAT exports it: polygons or run lengths of many images.

Coordinates are pixels from the upper left corner of the image; run lengths go down the columns.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

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
        Region(
            _parts(name, one["segmentation"], size), _number(name, one), classes.get(one.get("category_id"))
        )
        for one in kept
    ]
    notes = without_area(["bounding rectangle"] * (len(annotations) - len(kept)), len(annotations))
    return Annotated(regions, name, size, notes)


def _number(name: str, annotation: Any) -> int | None:
    number = annotation.get("label")
    if not (number is None or isinstance(number, int)):
        raise ValueError(f"{name}: a label must be a whole number, not {number!r}")
    return number


def _parts(name: str, segmentation: Any, size: Shape | None) -> list[Rings]:
    try:
        return parts_of(segmentation, size)
    except ValueError as error:
        raise ValueError(f"{name}: a segmentation cannot be read: {error}") from error


def parts_of(segmentation: Any, size: Shape | None) -> list[Rings]:
    """Return the rings of each piece of an object: each polygon is a piece, run lengths are one.

    Args:
        segmentation: polygons ``[x1, y1, x2, y2, …]``, or run lengths ``{"size": …, "counts": …}``.
        size: rows and columns of the image, if they are known.

    Raises:
        ValueError: the segmentation is neither, or for an image of another size.

    Example:
        >>> [[ring.tolist() for ring in rings] for rings in parts_of([[1, 0, 3, 0, 3, 1]], (2, 4))]
        [[[[1.0, 0.0], [3.0, 0.0], [3.0, 1.0]]]]
    """
    if isinstance(segmentation, dict):
        own = segmentation.get("size")
        if not isinstance(own, list) or len(own) != 2 or size not in (None, tuple(own)):
            expected = "" if size is None else f", but the image has {list(size)}"
            raise ValueError(f"the run lengths are for an image of size {own}{expected}")
        return [rings_of_runs(segmentation.get("counts"), (own[0], own[1]))]
    if not isinstance(segmentation, list):
        raise ValueError(f"a segmentation must be a list of polygons or run lengths, not {segmentation!r}")
    return [[_polygon(corners)] for corners in segmentation]


def _polygon(corners: Any) -> npt.NDArray[np.float64]:
    if not isinstance(corners, list) or len(corners) % 2:
        raise ValueError(f"a polygon must be a list of alternating x and y, not {str(corners)[:80]}")
    try:
        return np.array(corners, np.float64).reshape(-1, 2)
    except (TypeError, ValueError) as error:
        raise ValueError(f"a polygon has a corner that is not a number: {error}") from error
