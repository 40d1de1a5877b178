"""Objects drawn one by one to one label map.

**Edge of a polygon.** A pixel belongs to a polygon if its centre lies inside, by the rule of
:mod:`cellseg_monai.polygons`, which conversions use as well. Coordinates count from the corner of the image:
the first pixel spans 0 to 1, and its centre is 0.5.

**Overlap.** The smaller object lies on top, and the earlier of two of the same size. So a small cell on a
large one stays whole, and only an object that others cover entirely is lost.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.layouts.samples import Annotation
from cellseg_monai.label_maps import relabel
from cellseg_monai.polygons import Shape, runs

Pixels = npt.NDArray[np.intp]
"""Places in the flattened image."""


def polygon_pixels(xs: npt.ArrayLike, ys: npt.ArrayLike, shape: Shape) -> Pixels:
    """Find the pixels of a polygon; what lies outside the image is cut off.

    Args:
        xs: column coordinates of the corners.
        ys: row coordinates.
        shape: rows and columns of the image.

    Example:
        >>> polygon_pixels([1, 3, 3, 1], [0, 0, 2, 2], shape=(4, 10))
        array([ 1,  2, 11, 12])
    """
    ring = np.stack([np.asarray(xs, float), np.asarray(ys, float)], axis=1)
    _, rows, first, stop = runs([(1, [ring])], shape)
    spans = zip((rows * shape[1] + first).tolist(), (rows * shape[1] + stop).tolist(), strict=True)
    return np.concatenate([np.empty(0, np.intp), *(np.arange(*span, dtype=np.intp) for span in spans)])


def paint(objects: Sequence[tuple[str, Pixels]], shape: Shape) -> Annotation:
    """Draw objects to a label map, the smaller on top.

    Args:
        objects: name and pixels of each; no object lists a pixel twice.
        shape: rows and columns of the image.

    Returns:
        Ids 1, 2, … in the order given, with the pixels in conflict and the objects lost.

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
