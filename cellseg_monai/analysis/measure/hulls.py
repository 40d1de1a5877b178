"""Convex hulls of all cells at once, and what they tell: solidity and Feret diameters.

A pixel is taken for the four middles of its sides, as in scikit-image. Coordinates are doubled, so that these
are whole numbers and every comparison is exact.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from cellseg_monai.analysis.measure.runs import Real, Runs, Whole, in_threads

_ROWS_PER_BUNCH = 1 << 14  # of cells; what is made of them stays in the processor's cache


class Extents(NamedTuple):
    """The leftmost and rightmost pixel of cells in each of their rows.

    Attributes:
        cell: place of the cell, ascending.
        row: ascending within a cell.
        left: first column.
        right: last column.
    """

    cell: Whole
    row: Whole
    left: Whole
    right: Whole


class Chain(NamedTuple):
    """Points of cells in ascending order of their rows, in doubled coordinates.

    Attributes:
        cell: place of the cell, ascending.
        row: ascending within a cell.
        column: of each point.
    """

    cell: Whole
    row: Whole
    column: Whole


class Hulls(NamedTuple):
    """What the convex hulls of cells tell.

    Attributes:
        area: pixels whose centre lies in the hull.
        greatest: Feret diameter, the greatest distance of two parallel tangents; callipers measure it.
        least: likewise the least, of all directions.
    """

    area: Whole
    greatest: Real
    least: Real


def convex_hulls(runs: Runs, pixel_size: tuple[float, float] = (1.0, 1.0)) -> Hulls:
    """Measure the hull of each cell.

    Args:
        runs: of the label map.
        pixel_size: along x and along y.

    Returns:
        :class:`Hulls`, its diameters in the unit of the pixel size.

    Example:
        An L of 7 pixels; the hull fills the corner between its legs:

        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> found = convex_hulls(runs_of([[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]]))
        >>> int(found.area[0])
        10
    """
    extents = extents_of(runs)
    found = Hulls(np.zeros(len(runs.ids), np.int64), np.zeros(len(runs.ids)), np.zeros(len(runs.ids)))

    def measure(part: slice) -> None:
        cell = extents.cell[part]
        cells = slice(cell[0], cell[-1] + 1)
        convex = convex_extents(
            Extents(cell - cell[0], extents.row[part], extents.left[part], extents.right[part])
        )
        first = np.flatnonzero(np.diff(convex.cell, prepend=-1))
        found.area[cells] = np.add.reduceat(convex.right - convex.left + 1, first)
        found.greatest[cells], found.least[cells] = feret_diameters(convex, pixel_size)

    in_threads(measure, _bunches(extents.cell))
    return found


def extents_of(runs: Runs) -> Extents:
    """The outermost pixels of the rows of each cell."""
    same = (np.diff(runs.cell, prepend=-1) == 0) & (np.diff(runs.row, prepend=-1) == 0)
    first = np.flatnonzero(~same)
    last = np.append(first[1:], len(runs.cell)) - 1 if len(first) else first
    return Extents(runs.cell[first], runs.row[first], runs.start[first], runs.stop[last] - 1)


def convex_extents(extents: Extents) -> Extents:
    """The pixels whose centre lies in the convex hull of a cell, its edge included.

    Example:
        An L is filled; the far corner of its box is not:

        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> label_map = [[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]]
        >>> filled = convex_extents(extents_of(runs_of(label_map)))
        >>> (filled.right - filled.left + 1).tolist()
        [1, 2, 3, 4]
    """
    left, right = hull_chains(extents)
    first = np.flatnonzero(np.diff(extents.cell, prepend=-1))
    top = extents.row[first]
    height = extents.row[np.append(first[1:], len(extents.row)) - 1] - top + 1 if len(first) else top
    cell = np.repeat(np.arange(len(first)), height)
    row = np.arange(len(cell)) - np.repeat(np.cumsum(height) - height, height) + top[cell]
    at_left, at_right = _column_at(left, cell, row, up=True), _column_at(right, cell, row, up=False)
    return Extents(cell, row, at_left, at_right)


def hull_chains(extents: Extents) -> tuple[Chain, Chain]:
    """Left and right side of the convex hull of each cell."""
    left = _side(extents, extents.left, np.minimum, -1)
    right = _side(extents, extents.right, np.maximum, 1)
    return left, right


def feret_diameters(extents: Extents, pixel_size: tuple[float, float] = (1.0, 1.0)) -> tuple[Real, Real]:
    """Greatest and least diameter.

    Args:
        extents: of convex hulls, as :func:`convex_extents` gives them, at least one.
        pixel_size: along x and along y.

    Returns:
        Both, in the unit of the pixel size.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> line = convex_extents(extents_of(runs_of([[1, 1, 1, 1, 1]])))
        >>> [float(diameter[0]) for diameter in feret_diameters(line)]
        [5.0, 1.0]
    """
    cell, x, y = _polygons(*hull_chains(extents), pixel_size)
    corners = np.bincount(cell)
    start = np.cumsum(corners) - corners
    place = np.arange(len(x)) - np.repeat(start, corners)
    start_of, corners_of = np.repeat(start, corners), np.repeat(corners, corners)
    after = start_of + (place + 1) % corners_of
    edge_x, edge_y = x[after] - x, y[after] - y
    furthest, width = np.zeros(len(x)), np.zeros(len(x))
    for shift in range(1, int(corners.max())):
        # Compare each corner with the one after it, then the second after it, and so on round the hull.
        other = place + shift
        other -= np.where(other >= corners_of, corners_of, 0)
        other = start_of + np.minimum(other, corners_of - 1)
        step_x, step_y = x[other] - x, y[other] - y
        np.maximum(furthest, step_x * step_x + step_y * step_y, out=furthest)
        np.maximum(width, np.abs(edge_x * step_y - edge_y * step_x), out=width)
    width /= np.hypot(edge_x, edge_y)
    return np.sqrt(np.maximum.reduceat(furthest, start)), np.minimum.reduceat(width, start)


def _bunches(cell: Whole) -> list[slice]:
    """Rows of some cells at a time, each cell whole."""
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    cuts = first[np.diff(first // _ROWS_PER_BUNCH, prepend=-1) > 0] if len(first) else first
    return [slice(*ends) for ends in pairwise([*cuts.tolist(), len(cell)])]


def _side(extents: Extents, column: Whole, outer: np.ufunc, sign: int) -> Chain:
    """The hull's side: middles of pixel sides, without those that a straight line passes by outside."""
    cell = np.repeat(extents.cell, 3)
    row: Whole = (2 * extents.row[:, None] + np.array([-1, 0, 1])).ravel()
    points: Whole = (2 * column[:, None] + np.array([0, sign, 0])).ravel()
    first = np.flatnonzero((np.diff(cell, prepend=-1) != 0) | (np.diff(row, prepend=row[:1] - 1) != 0))
    chain = Chain(cell[first], row[first], outer.reduceat(points, first) if len(first) else points)
    while True:
        # A point inside its two neighbours is no corner of the hull, whatever becomes of them.
        step_row, step_column = np.diff(chain.row), np.diff(chain.column)
        turn = step_row[:-1] * step_column[1:] - step_row[1:] * step_column[:-1]
        inside = (turn * sign >= 0) & (chain.cell[2:] == chain.cell[:-2])
        if not inside.any():
            return chain
        keep = np.ones(len(chain.cell), bool)
        keep[1:-1] = ~inside
        chain = Chain(chain.cell[keep], chain.row[keep], chain.column[keep])


def _column_at(chain: Chain, cell: Whole, row: Whole, up: bool) -> Whole:
    """Where a side crosses the rows of pixels, rounded to the pixels within; exact."""
    lowest = int(chain.row.min(initial=0))
    height = int(chain.row.max(initial=0)) - lowest + 1
    key = chain.cell * height + (chain.row - lowest)
    after = np.searchsorted(key, cell * height + (2 * row - lowest))
    before = after - 1
    rise = chain.row[after] - chain.row[before]
    run = chain.column[after] - chain.column[before]
    twice_rise, scaled = 2 * rise, chain.column[before] * rise + run * (2 * row - chain.row[before])
    places: Whole = -(-scaled // twice_rise) if up else scaled // twice_rise
    return places


def _polygons(left: Chain, right: Chain, pixel_size: tuple[float, float]) -> tuple[Whole, Real, Real]:
    """The corners of each hull in turn: down its right side, up its left."""
    cell = np.concatenate([right.cell, left.cell])
    row, column = np.concatenate([right.row, left.row]), np.concatenate([right.column, left.column])
    side = np.repeat([0, 1], [len(right.cell), len(left.cell)])
    order = np.lexsort([np.where(side == 0, row, -row), side, cell])
    cell, row, column = cell[order], row[order], column[order]
    # Both sides end in the same point where a hull has a tip.
    twice = (
        (np.diff(cell, prepend=-1) == 0) & (np.diff(row, prepend=0) == 0) & (np.diff(column, prepend=0) == 0)
    )
    first = np.flatnonzero(np.diff(cell, prepend=-1))
    last = np.append(first[1:], len(cell)) - 1 if len(first) else first
    twice[last] |= (row[last] == row[first]) & (column[last] == column[first])
    cell, row, column = cell[~twice], row[~twice], column[~twice]
    return cell, column * (pixel_size[0] / 2), row * (pixel_size[1] / 2)
