"""The length of a cell's outline, by the two estimates of scikit-image, for all cells at once."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.analysis.measure.runs import Real, in_threads, plane, strips_of
from cellseg_monai.label_maps import LabelMap

# What an outline pixel adds to the length, by its outline neighbours of the same cell: across a side (rows
# of the table) and across a corner (columns). Benkrid and Crookes (2000), as in skimage.measure.perimeter.
_STRAIGHT, _DIAGONAL, _BOTH = 1.0, np.sqrt(2), (1 + np.sqrt(2)) / 2
_STEPS = np.zeros((5, 5))
_STEPS[[2, 3, 2, 3, 2, 3], [0, 0, 1, 1, 2, 2]] = _STRAIGHT
_STEPS[[0, 1], [2, 3]] = _DIAGONAL
_STEPS[[1, 1], [1, 2]] = _BOTH

# The pixel before each on lines along rows, columns and both diagonals, and how far apart such lines are.
_CROSSINGS = (
    (np.s_[1:-1, :-2], 1.0),
    (np.s_[:-2, 1:-1], 1.0),
    (np.s_[:-2, :-2], 1 / np.sqrt(2)),
    (np.s_[:-2, 2:], 1 / np.sqrt(2)),
)


class Outlines(NamedTuple):
    """Length of the outlines of cells in pixels, those of holes included.

    Attributes:
        steps: from outline pixel to outline pixel. Outline pixels are those with a neighbour of another id
            across a side; the edge of the image counts as another id. Each adds 1, √2 or (1 + √2)/2,
            according to how the line goes on from it; a cell of one pixel has 0.
            ``skimage.measure.perimeter``.
        crossings: π/4 · (H + V + (D₁ + D₂)/√2), where H, V, D are how often lines along rows, columns and
            diagonals enter the cell; right for a disc. ``skimage.measure.perimeter_crofton``.
    """

    steps: Real
    crossings: Real


def outlines(label_map: npt.ArrayLike, ids: npt.NDArray[np.int64]) -> Outlines:
    """Measure the outlines.

    Args:
        label_map: a plane.
        ids: of its cells, ascending.

    Returns:
        :class:`Outlines`.

    Example:
        >>> found = outlines(np.pad(np.ones((4, 4), int), 1), np.array([1]))
        >>> float(found.steps[0]), round(float(found.crossings[0]), 2)
        (12.0, 14.06)
    """
    labels = plane(label_map)
    parts = in_threads(lambda strip: _of_strip(labels, strip, ids), strips_of(labels.shape))
    steps, crossings = np.sum([np.zeros((2, len(ids))), *parts], axis=0)
    return Outlines(steps, crossings * np.pi / 4)


def _of_strip(labels: LabelMap, strip: slice, ids: npt.NDArray[np.int64]) -> Real:
    """What the rows of a strip add; two rows on either side tell which neighbours are outline."""
    rows, columns = labels.shape
    above, below = max(strip.start - 2, 0), min(strip.stop + 2, rows)
    padded = np.zeros((strip.stop - strip.start + 4, columns + 4), np.int32)
    top = above - (strip.start - 2)
    padded[top : top + below - above, 2:-2] = labels[above:below]
    return np.stack([_steps(padded, ids), _crossings(padded[1:-1, 1:-1], ids)])


def _steps(padded: LabelMap, ids: npt.NDArray[np.int64]) -> Real:
    inner = padded[1:-1, 1:-1]
    edge = padded[:-2, 1:-1] != inner
    for other in (padded[2:, 1:-1], padded[1:-1, :-2], padded[1:-1, 2:]):
        edge |= other != inner
    outline = np.where(edge, inner, 0)
    width = outline.shape[1]
    flat = outline.ravel()
    places = np.flatnonzero(outline[1:-1]) + width
    cell = flat[places]
    beside, across = np.zeros(len(places), np.intp), np.zeros(len(places), np.intp)
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
