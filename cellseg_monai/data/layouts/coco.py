"""Outlines in the form of COCO, the annotation format of object detection.

A ``segmentation`` is either a list of polygons ``[x1, y1, x2, y2, …]``, whose union is the object, or a
mapping of run lengths: ``{"size": [rows, columns], "counts": …}``. The counts are the lengths of runs of
background and object in turn, down the columns, as a list of numbers or as a string. In the string each
number is written to base 32 with the low digits first, one digit a character from ``0`` on. A sixth bit
marks that more digits follow, the top bit of the last digit is the sign, and from the fourth run on the
number is the difference to the run two before.
"""

from typing import Any

import numpy as np

from cellseg_monai.coco_counts import decode_counts
from cellseg_monai.data.layouts.painting import Pixels, polygon_pixels
from cellseg_monai.polygons import Shape


def segmentation_pixels(segmentation: Any, shape: Shape) -> Pixels:
    """Find the pixels of one object.

    Args:
        segmentation: polygons or run lengths, as loaded from JSON.
        shape: rows and columns of the image.

    Returns:
        Places in the flattened image.

    Raises:
        ValueError: it is neither, or its size is not that of the image.

    Example:
        >>> segmentation_pixels([[1, 0, 3, 0, 3, 1, 1, 1]], shape=(2, 4))
        array([1, 2])
        >>> segmentation_pixels({"size": [2, 4], "counts": [2, 3, 3]}, shape=(2, 4))
        array([1, 2, 5])
    """
    if isinstance(segmentation, dict):
        return _run_pixels(segmentation, shape)
    if not isinstance(segmentation, list):
        raise ValueError(f"a segmentation is a list of polygons or run lengths, not {segmentation!r}")
    parts = [_polygon(corners, shape) for corners in segmentation]
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.intp)


def _polygon(corners: Any, shape: Shape) -> Pixels:
    if not isinstance(corners, list) or len(corners) % 2:
        raise ValueError(f"a polygon is a list of x and y in turn, not {str(corners)[:80]}")
    try:
        return polygon_pixels(corners[0::2], corners[1::2], shape)
    except TypeError as error:
        raise ValueError(f"a polygon has a corner that is no number: {error}") from error


def _run_pixels(segmentation: dict[str, Any], shape: Shape) -> Pixels:
    size, counts = segmentation.get("size"), segmentation.get("counts")
    if size != list(shape):
        raise ValueError(f"run lengths for an image of size {size} belong to none of {list(shape)}")
    runs = decode_counts(counts) if isinstance(counts, str) else counts
    total = shape[0] * shape[1]
    if not isinstance(runs, list) or not all(isinstance(run, int) and run >= 0 for run in runs):
        raise ValueError(f"run lengths are whole numbers from 0, not {str(counts)[:80]}")
    if sum(runs) != total:
        raise ValueError(f"the run lengths add to {sum(runs)} pixels, the image has {total}")
    mask = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return np.flatnonzero(mask.reshape(shape, order="F"))
