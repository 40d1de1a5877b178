"""Perimeter of all cells at once, by the two estimates of scikit-image."""

import numpy as np
import numpy.typing as npt

from cellseg_monai.analysis.measure.runs import Real, in_threads, plane, strips_of
from cellseg_monai.label_maps import LabelMap, boundaries

# Contribution of an outline pixel to the perimeter, by the number of outline pixels of the same cell next to
# it: at its sides (rows) and at its corners (columns). Benkrid and Crookes (2000), as in
# skimage.measure.perimeter.
_STRAIGHT, _DIAGONAL, _BOTH = 1.0, np.sqrt(2), (1 + np.sqrt(2)) / 2
_STEPS = np.zeros((5, 5))
_STEPS[[2, 3, 2, 3, 2, 3], [0, 0, 1, 1, 2, 2]] = _STRAIGHT
_STEPS[[0, 1], [2, 3]] = _DIAGONAL
_STEPS[[1, 1], [1, 2]] = _BOTH

# The previous pixel on lines along rows, columns and both diagonals, and the distance between such lines.
_CROSSINGS = (
    (np.s_[1:-1, :-2], 1.0),
    (np.s_[:-2, 1:-1], 1.0),
    (np.s_[:-2, :-2], 1 / np.sqrt(2)),
    (np.s_[:-2, 2:], 1 / np.sqrt(2)),
)


def outlines(label_map: npt.ArrayLike, ids: npt.NDArray[np.int64]) -> tuple[Real, Real]:
    """Measure the perimeters, including those of holes.

    Args:
        label_map: label map of one plane.
        ids: its ids in ascending order.

    Returns:
        Two perimeters of each cell in pixels. The first is the length from outline pixel to outline pixel, as
        ``skimage.measure.perimeter``. Outline pixels have a neighbour with another id at one of their sides;
        the edge of the image counts as another id. Each adds 1, √2 or (1 + √2)/2, depending on how the
        outline continues from it; a cell of one pixel has 0. The second is π/4 · (H + V + (D₁ + D₂)/√2),
        where H, V, D count how often lines along rows, columns and diagonals enter the cell, as
        ``skimage.measure.perimeter_crofton``; it is correct for a disc.

    Example:
        >>> steps, crossings = outlines(np.pad(np.ones((4, 4), int), 1), np.array([1]))
        >>> float(steps[0]), round(float(crossings[0]), 2)
        (12.0, 14.06)
    """
    labels = plane(label_map)
    padded = np.pad(labels, 2)  # two rows on either side of a strip show which neighbours are outline

    def measure(strip: slice) -> Real:
        part = padded[strip.start : strip.stop + 4]
        return np.stack([_steps(part, ids), _crossings(part[1:-1, 1:-1], ids)])

    parts = in_threads(measure, strips_of(labels.shape))
    steps, crossings = np.sum([np.zeros((2, len(ids))), *parts], axis=0)
    return steps, crossings * np.pi / 4


def _steps(padded: LabelMap, ids: npt.NDArray[np.int64]) -> Real:
    outline = np.where(boundaries(padded), padded, 0)[1:-1, 1:-1]
    width = outline.shape[1]
    flat = outline.ravel()
    places = np.flatnonzero(outline[1:-1]) + width
    cell = flat[places]
    beside, across = np.zeros((2, len(places)), np.intp)
    for step in (1, -1, width, -width):
        beside += flat[places + step] == cell
    for step in (width - 1, width + 1, 1 - width, -1 - width):
        across += flat[places + step] == cell
    steps = _STEPS[beside, across]
    return np.bincount(ids.searchsorted(cell), weights=steps, minlength=len(ids)).astype(np.float64)


def _crossings(padded: LabelMap, ids: npt.NDArray[np.int64]) -> Real:
    inner = padded[1:-1, 1:-1]
    total = np.zeros(len(ids))
    for before, weight in _CROSSINGS:
        enters = inner != padded[before]
        enters &= inner > 0
        total += weight * np.bincount(ids.searchsorted(inner[enters]), minlength=len(ids))
    return total
