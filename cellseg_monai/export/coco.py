"""COCO, the annotation format of object detection: one file for many images."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import fastremap
import numpy as np

from cellseg_monai.annotations import read_annotations
from cellseg_monai.annotations.coco import CELL
from cellseg_monai.export.coco_runs import run_lengths
from cellseg_monai.export.objects import Objects, objects_of
from cellseg_monai.export.outlining import Outline, outlines
from cellseg_monai.outputs import StrPath, write_text
from cellseg_monai.polygons import Shape


def write_coco(path: StrPath, images: Iterable[tuple[str, Objects]]) -> None:
    """Write the objects of several images to one file.

    An object without holes is written as polygons along the edges of its pixels; an object with holes as run
    lengths, since polygons of COCO cannot have holes. Both contain exactly its pixels. The id in the label
    map is stored as ``label``; ``id`` is unique in the file, as COCO requires. Classes become categories; an
    object without a class is a ``cell``. The format does not store measurements.

    Args:
        path: file to write, ``.json``.
        images: file name and objects of each image, taken one at a time.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
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
        shape = (objects.label_map.shape[0], objects.label_map.shape[1])
        listed.append({"id": len(listed) + 1, "file_name": name, "width": shape[1], "height": shape[0]})
        classes = objects.classes
        areas = dict(zip(*fastremap.unique(objects.label_map, return_counts=True), strict=True))
        for one in outlines(objects.label_map):
            category = categories.setdefault(classes.get(one.id, CELL), len(categories) + 1)
            corners = np.concatenate(one.rings)
            low, high = corners.min(axis=0), corners.max(axis=0)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": len(listed),
                    "category_id": category,
                    "label": one.id,
                    "iscrowd": 0,
                    "area": int(areas[one.id]),
                    "bbox": [*low.tolist(), *(high - low).tolist()],
                    "segmentation": _segmentation(one, shape),
                }
            )
    content = {
        "images": listed,
        "categories": [
            {"id": number, "name": name, "supercategory": ""}
            for name, number in (categories or {CELL: 1}).items()
        ],
        "annotations": annotations,
    }
    write_text(path, json.dumps(content, ensure_ascii=False))


def coco_images(path: StrPath) -> list[str]:
    """File names of the images of a COCO file, in its order.

    Args:
        path: file from :func:`write_coco` or an annotation tool.

    Raises:
        ValueError: the file is not a COCO file.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = f"{tempfile.mkdtemp()}/coco.json"
        >>> write_coco(path, [("a.tif", Objects(np.array([[0, 5, 5]], np.int32)))])
        >>> coco_images(path)
        ['a.tif']
    """
    return [str(one.image) for one in read_annotations(path, "coco")]


def read_coco(path: StrPath) -> Iterator[tuple[str, Objects]]:
    """Read each image of a file as a label map, with the classes of its objects.

    The file is checked when the first image is requested. Annotations without ``label`` are numbered in their
    order. If the only category is ``cell``, the table is empty.

    Args:
        path: file from :func:`write_coco` or an annotation tool.

    Returns:
        File name and objects of each image, in the order of the file.

    Raises:
        ValueError: the file is not a COCO file, or a segmentation is neither polygons nor run lengths.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> path = f"{tempfile.mkdtemp()}/coco.json"
        >>> write_coco(path, [("a.tif", Objects(np.array([[0, 5, 5]], np.int32)))])
        >>> [(name, objects.label_map.tolist()) for name, objects in read_coco(path)]
        [('a.tif', [[0, 5, 5]])]
    """
    for one in read_annotations(path, "coco"):
        yield str(one.image), objects_of(f"{path}: {one.image}", one)


def _segmentation(one: Outline, shape: Shape) -> Any:
    if len(one.rings) == len(one.polygons):
        return [ring.ravel().tolist() for ring in one.rings]
    return {"size": list(shape), "counts": run_lengths(one.rings, shape)}
