"""COCO, the annotation format of object detection: one file for many images."""

import json
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellseg_monai.export.coco_runs import rings_of_runs, run_lengths
from cellseg_monai.export.objects import Objects, Rings, draw, numbered
from cellseg_monai.export.outlining import Outline, outlines
from cellseg_monai.outputs import write_text
from cellseg_monai.polygons import Shape

_CATEGORY = "cell"


def write_coco(path: str | PathLike[str], images: Iterable[tuple[str, Objects]]) -> None:
    """Write the objects of several images to one file.

    An object without holes is written as polygons along the edges of its pixels, one with holes as run
    lengths, which COCO has no other way to tell. Both hold exactly its pixels. Its id in the label map is
    kept as ``label``; ``id`` is unique in the file, as COCO wants it. Classes become categories; an object
    without class is a ``cell``. Measurements have no place in this format.

    Args:
        path: the file, ``.json``.
        images: file name and objects of each, taken one by one.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/coco.json"
        >>> write_coco(path, [("a.tif", Objects(np.array([[0, 5, 5]], np.int32)))])
        >>> annotation = json.loads(Path(path).read_text())["annotations"][0]
        >>> annotation["segmentation"], annotation["area"], annotation["bbox"]
        ([[1, 0, 3, 0, 3, 1, 1, 1]], 2, [1, 0, 2, 1])
    """
    listed: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    categories: dict[str, int] = {}
    for name, objects in images:
        rows, columns = objects.label_map.shape
        listed.append({"id": len(listed) + 1, "file_name": name, "width": columns, "height": rows})
        classes = objects.classes
        for one in outlines(objects.label_map):
            category = categories.setdefault(classes.get(one.id, _CATEGORY), len(categories) + 1)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": len(listed),
                    "category_id": category,
                    "label": one.id,
                    "iscrowd": 0,
                    **_extent(one),
                    "segmentation": _segmentation(one, (rows, columns)),
                }
            )
    content = {
        "images": listed,
        "categories": [
            {"id": number, "name": name, "supercategory": ""}
            for name, number in (categories or {_CATEGORY: 1}).items()
        ],
        "annotations": annotations,
    }
    write_text(path, json.dumps(content, ensure_ascii=False))


def coco_images(path: str | PathLike[str]) -> list[str]:
    """File names of the images of a COCO file, in its order.

    Args:
        path: a file of :func:`write_coco`, or of an annotation tool.

    Raises:
        ValueError: it is no COCO file.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/coco.json"
        >>> write_coco(path, [("a.tif", Objects(np.array([[0, 5, 5]], np.int32)))])
        >>> coco_images(path)
        ['a.tif']
    """
    return [str(image["file_name"]) for image in _content(path)["images"]]


def read_coco(path: str | PathLike[str]) -> Iterator[tuple[str, Objects]]:
    """Read each image of a file as a label map, with the classes of its objects.

    The file is checked when the first image is asked for. Annotations without ``label`` get ids in their
    order. If the only category is ``cell``, the table is empty.

    Args:
        path: a file of :func:`write_coco`, or of an annotation tool.

    Returns:
        File name and objects of each image, in the order of the file.

    Raises:
        ValueError: it is no COCO file, or a segmentation is neither polygons nor run lengths.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/coco.json"
        >>> write_coco(path, [("a.tif", Objects(np.array([[0, 5, 5]], np.int32)))])
        >>> [(name, objects.label_map.tolist()) for name, objects in read_coco(path)]
        [('a.tif', [[0, 5, 5]])]
    """
    content = _content(path)
    try:
        names = {one["id"]: str(one["name"]) for one in content.get("categories", ())}
        of_image: dict[Any, list[dict[str, Any]]] = {one["id"]: [] for one in content["images"]}
        for one in content["annotations"]:
            of_image[one["image_id"]].append(one)
    except (KeyError, TypeError, AttributeError) as error:
        raise _not_coco(path, error) from error
    for image in content["images"]:
        where = f"{path}: {image['file_name']}"
        shape = (int(image["height"]), int(image["width"]))
        annotations = of_image[image["id"]]
        ids = _ids(where, annotations)
        drawn = [
            (number, rings)
            for number, one in zip(ids, annotations, strict=True)
            for rings in _rings(where, one["segmentation"], shape)
        ]
        yield (
            str(image["file_name"]),
            Objects(draw(where, drawn, shape, None), _table(names, ids, annotations)),
        )


def _content(path: str | PathLike[str]) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        for image in content["images"]:
            image["file_name"]
    except (ValueError, KeyError, TypeError) as error:
        raise _not_coco(path, error) from error
    return content


def _not_coco(path: str | PathLike[str], error: Exception) -> ValueError:
    return ValueError(f"{path}: is no COCO file: {type(error).__name__} {error}")


def _extent(one: Outline) -> dict[str, Any]:
    corners = np.concatenate(one.rings)
    (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
    area = 0
    for ring in one.rings:
        x, y = ring.T.astype(np.int64)
        area += int(x @ np.roll(y, -1) - y @ np.roll(x, -1)) // 2
    return {"area": area, "bbox": [left, top, right - left, bottom - top]}


def _segmentation(one: Outline, shape: Shape) -> Any:
    if len(one.rings) == len(one.polygons):
        return [ring.ravel().tolist() for ring in one.rings]
    return {"size": list(shape), "counts": run_lengths(one.rings, shape)}


def _ids(where: str, annotations: list[dict[str, Any]]) -> list[int]:
    if any("label" in one for one in annotations):
        return numbered(where, [one.get("label") for one in annotations])
    return list(range(1, len(annotations) + 1))


def _rings(where: str, segmentation: Any, shape: Shape) -> Iterator[Rings]:
    """The rings of each part: polygons are united, holes are cut out of run lengths."""
    try:
        if isinstance(segmentation, dict):
            if list(segmentation["size"]) != list(shape):
                raise ValueError(f"run lengths of the size {segmentation['size']} are of no image of {shape}")
            yield rings_of_runs(segmentation["counts"], shape)
            return
        for corners in segmentation:
            yield [np.asarray(corners, np.float64).reshape(-1, 2)]
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{where}: a segmentation cannot be read: {error}") from error


def _table(names: Mapping[Any, str], ids: list[int], annotations: list[dict[str, Any]]) -> pd.DataFrame:
    if set(names.values()) <= {_CATEGORY}:
        return pd.DataFrame()
    classes = {number: names.get(one["category_id"]) for number, one in zip(ids, annotations, strict=True)}
    return pd.DataFrame({"class": classes})
