"""JSON of Labelme: one file for each image.

Points are pixels from the upper left corner of the image, as on Labelme's canvas. A ``mask`` is a PNG of
the box between its two points, which are the first and the last pixel.
"""

import base64
import binascii
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from cellseg_monai.annotations.bitmaps import rings_of_mask
from cellseg_monai.annotations.curves import ellipse, rectangle
from cellseg_monai.annotations.regions import Annotated, Region, Rings, grouped, without_area

_AREAS = ("polygon", "rectangle", "rotation", "circle", "mask")


def read(path: Path) -> list[Annotated]:
    """Read the shapes; ``label`` is the class, and shapes of one ``group_id`` are one object in pieces.

    Raises:
        ValueError: the file is not one of Labelme, or a shape is malformed.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        shapes = [(str(one.get("shape_type") or "polygon"), one) for one in content["shapes"]]
        width, height = content.get("imageWidth"), content.get("imageHeight")
        image = str(content.get("imagePath") or "") or None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is not a Labelme file: {type(error).__name__} {error}") from error
    areas = [
        (_group(one), _region(place, kind, one)) for place, (kind, one) in enumerate(shapes) if kind in _AREAS
    ]
    notes = without_area((kind for kind, _ in shapes if kind not in _AREAS), len(shapes))
    size = (int(height), int(width)) if height and width else None
    return [Annotated(grouped(areas), image, size, notes)]


def _group(shape: Mapping[str, Any]) -> Any:
    group = shape.get("group_id")
    return None if group is None else (group, shape.get("label"))


def _region(place: int, kind: str, shape: Mapping[str, Any]) -> Region:
    try:
        points = np.asarray(shape["points"], np.float64).reshape(-1, 2)
        return Region([_rings(kind, points, shape)], kind=str(shape.get("label") or "") or None)
    except (ValueError, KeyError, TypeError, IndexError, OSError) as error:
        raise ValueError(f"the {kind} shapes[{place}] cannot be read: {error}") from error


def _rings(kind: str, points: Any, shape: Mapping[str, Any]) -> Rings:
    if kind == "circle":  # its centre, and a point on it
        radius = float(np.hypot(*(points[1] - points[0])))
        x, y = points[0].tolist()
        return [ellipse(x, y, radius, radius)]
    if kind == "rectangle" and len(points) == 2:
        return [rectangle(*points[0], *points[1])]
    if kind == "mask":
        left, top = points.min(axis=0).astype(int).tolist()
        return rings_of_mask(_bitmap(shape["mask"]), left, top)
    if len(points) < 3:
        raise ValueError(f"it has {len(points)} points, but an area needs 3")
    return [points]


def _bitmap(text: str) -> Any:
    try:
        with Image.open(io.BytesIO(base64.b64decode(text))) as picture:
            return np.asarray(picture)
    except binascii.Error as error:
        raise ValueError(f"its mask is not base64: {error}") from error
