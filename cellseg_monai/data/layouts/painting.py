"""Drawing objects one by one into one label map: polygons, and the segmentations of COCO.

**Edge of a polygon.** A pixel belongs to a polygon if its centre is inside, by the rule of
:mod:`cellseg_monai.polygons`, which conversions use as well. Coordinates start at the corner of the image:
the first pixel spans 0 to 1, and its centre is 0.5.

**Overlap.** The smaller object is on top, or the earlier one of two objects of the same size. So a small cell
on a large one stays whole, and an object is lost only if others cover it completely.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.annotations.coco import parts_of
from cellseg_monai.data.layouts.samples import Annotation
from cellseg_monai.label_maps import relabel
from cellseg_monai.polygons import Shape, runs

Pixels = npt.NDArray[np.intp]
"""Indices of pixels in the flattened image."""


def polygon_pixels(xs: npt.ArrayLike, ys: npt.ArrayLike, shape: Shape) -> Pixels:
    """Find the pixels of a polygon; parts outside the image are cut off.

    Args:
        xs: column coordinates of the corners.
        ys: row coordinates of the corners.
        shape: rows and columns of the image.

    Example:
        >>> polygon_pixels([1, 3, 3, 1], [0, 0, 2, 2], shape=(4, 10))
        array([ 1,  2, 11, 12])
    """
    ring = np.stack([np.asarray(xs, float), np.asarray(ys, float)], axis=1)
    _, rows, first, stop = runs([(1, [ring])], shape)
    return _places(rows, first, stop, shape)


def paint(objects: Sequence[tuple[str, Pixels]], shape: Shape) -> Annotation:
    """Draw objects into a label map, smaller objects on top.

    Args:
        objects: name and pixels of each object, without repeated pixels.
        shape: rows and columns of the image.

    Returns:
        Label map with ids 1, 2, … in the order of the objects, the number of contested pixels, and the lost
        objects.

    Example:
        >>> drawn = paint([("cell", np.array([0, 1, 2])), ("bud", np.array([2]))], shape=(1, 4))
        >>> drawn.label_map
        array([[1, 1, 2, 0]], dtype=int32)
        >>> drawn.contested_pixels
        1
    """
    pixels = np.zeros(shape[0] * shape[1], np.int32)
    claims = np.zeros_like(pixels)
    for number in sorted(range(len(objects)), key=lambda index: (-len(objects[index][1]), -index)):
        places = objects[number][1]
        pixels[places] = number + 1
        claims[places] += 1
    remaining = set(np.unique(pixels).tolist())
    lost = tuple(name for number, (name, _) in enumerate(objects, start=1) if number not in remaining)
    return Annotation(relabel(pixels.reshape(shape)), int((claims > 1).sum()), lost)


def segmentation_pixels(segmentation: Any, shape: Shape) -> Pixels:
    """Find the pixels of one object.

    Args:
        segmentation: polygons or run lengths, as loaded from JSON.
        shape: rows and columns of the image.

    Returns:
        Indices of pixels in the flattened image.

    Raises:
        ValueError: the segmentation is neither, or its size is not that of the image.

    Example:
        >>> segmentation_pixels([[1, 0, 3, 0, 3, 1, 1, 1]], shape=(2, 4))
        array([1, 2])
        >>> segmentation_pixels({"size": [2, 4], "counts": [2, 3, 3]}, shape=(2, 4))
        array([1, 2, 5])
    """
    rings = [(1, part) for part in parts_of(segmentation, shape)]
    _, rows, first, stop = runs(rings, shape)
    return np.unique(_places(rows, first, stop, shape))


def _places(rows: Pixels, first: Pixels, stop: Pixels, shape: Shape) -> Pixels:
    spans = zip((rows * shape[1] + first).tolist(), (rows * shape[1] + stop).tolist(), strict=True)
    return np.concatenate([np.empty(0, np.intp), *(np.arange(*span, dtype=np.intp) for span in spans)])
