"""Checks of one mask."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cellseg_monai.data.checks.finding import Finding, found
from cellseg_monai.label_maps import LabelMap, boundaries, connected_components

INTERPOLATED_SHARE = 0.2
"""Share of ramps among the border pixels above which a mask was interpolated."""

_SMALLEST_OBJECT = 10


def check_mask(file: str, labels: LabelMap) -> Iterator[Finding]:
    """Find masks that are empty, full, binary or interpolated, and objects in several pieces.

    Args:
        file: path of the mask, for the findings.
        labels: ids of the mask, as rows and columns.

    Yields:
        Findings of this mask.

    Example:
        >>> labels = np.zeros((8, 8), np.int32)
        >>> labels[2:5, 2:5] = 255
        >>> [finding.check for finding in check_mask("a.tif", labels)]
        ['binary mask']
    """
    if Path(file).suffix.lower() in (".jpg", ".jpeg"):
        yield found("lossy mask", file, "JPEG changes the values of a mask")
        return
    ids = np.unique(labels[labels > 0])
    if ids.size == 0:
        yield found("blank mask", file, "it has no objects")
        return
    if (labels > 0).all():
        yield found("full mask", file, "it has no background")
    if _has_palette(file):
        yield found("indexed colours", file, "it is a PNG with a palette, whose indices are the ids")
    share = interpolated_share(labels)
    if ids.size > 1 and share > INTERPOLATED_SHARE:
        message = f"{share:.0%} of the border pixels have a value between those on both sides"
        yield found("interpolated mask", file, message)
    elif ids.size == 1:
        pieces = int(connected_components(labels).max())
        if pieces > 1 or ids[0] == 255:
            yield found("binary mask", file, f"its only value is {ids[0]}, in {pieces} pieces")
    else:
        yield from _check_objects(file, labels, int(ids.size))


def interpolated_share(labels: LabelMap) -> float:
    """Return the share of border pixels whose value is strictly between those of two opposite neighbours.

    Linear interpolation of a mask makes such ramps; objects drawn by hand hardly ever have them.

    Example:
        >>> interpolated_share(np.array([[0, 0, 64, 128, 191, 255, 255]] * 3, np.int32))
        0.75
    """
    ramps = np.zeros(labels.shape, bool)
    for values, marks in ((labels, ramps), (labels.T, ramps.T)):
        before, here, after = values[:, :-2], values[:, 1:-1], values[:, 2:]
        marks[:, 1:-1] |= ((before < here) & (here < after)) | ((before > here) & (here > after))
    border = boundaries(labels)
    return float((ramps & border).sum() / max(border.sum(), 1))


def _has_palette(file: str) -> bool:
    if Path(file).suffix.lower() != ".png":
        return False
    with Image.open(file) as image:
        return image.mode == "P"


def _check_objects(file: str, labels: LabelMap, count: int) -> Iterator[Finding]:
    first_pixel = np.unique(connected_components(labels), return_index=True)[1]
    owners, pieces = np.unique(labels.ravel()[first_pixel], return_counts=True)
    split = owners[(owners > 0) & (pieces > 1)]
    if split.size:
        shown = ", ".join(map(str, split[:5])) + (", …" if split.size > 5 else "")
        message = f"{split.size} of {count} objects have several pieces (ids {shown})"
        yield found("objects in pieces", file, message)
    areas = np.bincount(labels.ravel())[1:]
    specks = int(((areas > 0) & (areas < _SMALLEST_OBJECT)).sum())
    if specks:
        message = f"{specks} of {count} objects are smaller than {_SMALLEST_OBJECT} pixels"
        yield found("specks", file, message)
