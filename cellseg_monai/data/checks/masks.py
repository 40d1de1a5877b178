"""Checks of one mask."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from cellseg_monai.data.checks.finding import Finding, error, note, warning
from cellseg_monai.label_maps import LabelMap, boundaries, connected_components

_INTERPOLATED_SHARE = 0.2
_SMALLEST_OBJECT = 10


def check_mask(file: str, labels: LabelMap) -> Iterator[Finding]:
    """Notice masks that are empty, full, binary, interpolated or in pieces.

    Args:
        file: its path, for the findings.
        labels: its ids, rows and columns.

    Yields:
        What was noticed.

    Example:
        >>> labels = np.zeros((8, 8), np.int32)
        >>> labels[2:5, 2:5] = 255
        >>> [finding.check for finding in check_mask("a.tif", labels)]
        ['binary mask']
    """
    if Path(file).suffix.lower() in (".jpg", ".jpeg"):
        yield error(
            "lossy mask",
            file,
            "JPEG changes the values of a mask",
            "save masks as PNG or TIFF",
        )
        return
    ids = np.unique(labels[labels > 0])
    if ids.size == 0:
        yield warning(
            "blank mask",
            file,
            "it has no object",
            "keep it only if the image really shows none",
        )
        return
    if (labels > 0).all():
        yield warning("full mask", file, "it has no background", "check that 0 stands for background")
    yield from _check_palette(file)
    share = interpolated_share(labels)
    if ids.size > 1 and share > _INTERPOLATED_SHARE:
        yield error(
            "interpolated mask",
            file,
            f"{share:.0%} of the border pixels lie between the values on both sides",
            "resize masks with nearest-neighbour interpolation",
        )
    elif ids.size == 1:
        yield from _check_binary(file, int(ids[0]), labels)
    else:
        yield from _check_objects(file, labels, int(ids.size))


def interpolated_share(labels: LabelMap) -> float:
    """The share of border pixels whose value lies strictly between those of two opposite neighbours.

    Linear interpolation of a mask makes such ramps; objects drawn by hand hardly ever do.

    Example:
        >>> interpolated_share(np.array([[0, 0, 64, 128, 191, 255, 255]] * 3, np.int32))
        0.75
    """
    ramps = np.zeros(labels.shape, bool)
    for ahead in (labels, labels.T):
        before, here, after = ahead[:, :-2], ahead[:, 1:-1], ahead[:, 2:]
        between = ((before < here) & (here < after)) | ((before > here) & (here > after))
        (ramps if ahead is labels else ramps.T)[:, 1:-1] |= between
    border = boundaries(labels)
    return float((ramps & border).sum() / max(border.sum(), 1))


def _check_palette(file: str) -> Iterator[Finding]:
    if Path(file).suffix.lower() != ".png":
        return
    with Image.open(file) as image:
        if image.mode == "P":
            yield note(
                "indexed colours",
                file,
                "a PNG with a palette; its indices are taken as ids",
                "some other programs read the colours instead: save it as grey PNG or TIFF",
            )


def _check_binary(file: str, value: int, labels: LabelMap) -> Iterator[Finding]:
    pieces = int(connected_components(labels).max())
    if pieces > 1 or value == 255:
        yield warning(
            "binary mask",
            file,
            f"its only value is {value}, in {pieces} pieces",
            "fine for structures without instances; cells that touch cannot be told apart",
        )


def _check_objects(file: str, labels: LabelMap, count: int) -> Iterator[Finding]:
    pieces = connected_components(labels)
    first_pixel = np.unique(pieces, return_index=True)[1]
    owners = labels.ravel()[first_pixel]
    owners, parts = np.unique(owners[owners > 0], return_counts=True)
    split = owners[parts > 1]
    if split.size:
        shown = ", ".join(map(str, split[:5])) + (", …" if split.size > 5 else "")
        yield warning(
            "objects in pieces",
            file,
            f"{split.size} of {count} objects consist of several pieces (ids {shown})",
            "if they are separate cells, give each its own id",
        )
    areas = np.bincount(labels.ravel())[1:]
    specks = int(((areas > 0) & (areas < _SMALLEST_OBJECT)).sum())
    if specks:
        yield note(
            "specks",
            file,
            f"{specks} of {count} objects are smaller than {_SMALLEST_OBJECT} pixels",
            "remove them if they are slips of the pen",
        )
