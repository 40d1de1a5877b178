"""Convex hulls of all cells at once, and what follows from them: solidity and Feret diameters.

A pixel counts as the four midpoints of its sides, as in scikit-image. Coordinates are doubled, so that these
are whole numbers and every comparison is exact.
"""

from typing import NamedTuple

import numpy as np

from cellseg_monai.analysis.measure.runs import Real, Runs, Whole, bunches_of, first_of, in_threads, ranges


class Extents(NamedTuple):
    """Leftmost and rightmost pixel of cells in each of their rows.

    Attributes:
        cell: index of the cell, ascending.
        row: row, ascending within a cell.
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
        cell: index of the cell, ascending.
        row: row of each point, ascending within a cell.
        column: column of each point.
    """

    cell: Whole
    row: Whole
    column: Whole


def convex_hulls(runs: Runs, pixel_size: tuple[float, float] = (1.0, 1.0)) -> tuple[Whole, Real, Real]:
    """Measure the hull of each cell.

    Args:
        runs: runs of the label map.
        pixel_size: pixel size along x and y.

    Returns:
        Number of pixels whose centre lies in each hull; maximum and minimum Feret diameter, the distance
        between parallel tangents, in the unit of the pixel size.

    Example:
        An L of 7 pixels; the hull fills the corner between its legs:

        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> area, *_ = convex_hulls(runs_of([[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]]))
        >>> int(area[0])
        10
    """
    extents = extents_of(runs)
    area = np.zeros(len(runs.ids), np.int64)
    greatest, least = np.zeros((2, len(runs.ids)))

    def measure(part: slice) -> None:
        cell, row, left, right = (values[part] for values in extents)
        here = slice(cell[0], cell[-1] + 1)
        convex = convex_extents(Extents(cell - cell[0], row, left, right))
        area[here] = np.add.reduceat(convex.right - convex.left + 1, first_of(convex.cell))
        greatest[here], least[here] = feret_diameters(convex, pixel_size)

    in_threads(measure, bunches_of(extents.cell))
    return area, greatest, least


def extents_of(runs: Runs) -> Extents:
    """Outermost pixels of the rows of each cell."""
    first = first_of(runs.cell, runs.row)
    last = np.append(first, len(runs.cell))[1:] - 1
    return Extents(runs.cell[first], runs.row[first], runs.start[first], runs.stop[last] - 1)


def convex_extents(extents: Extents) -> Extents:
    """Pixels whose centre lies in the convex hull of a cell or on its edge.

    Example:
        An L is filled; the far corner of its box is not:

        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> label_map = [[1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 1]]
        >>> filled = convex_extents(extents_of(runs_of(label_map)))
        >>> (filled.right - filled.left + 1).tolist()
        [1, 2, 3, 4]
    """
    left, right = hull_chains(extents)
    first = first_of(extents.cell)
    top = extents.row[first]
    height = extents.row[np.append(first, len(extents.row))[1:] - 1] - top + 1
    cell, row = np.repeat(np.arange(len(first)), height), ranges(top, height)
    return Extents(cell, row, _column_at(left, cell, row, up=True), _column_at(right, cell, row, up=False))


def hull_chains(extents: Extents) -> tuple[Chain, Chain]:
    """Left and right side of the convex hull of each cell."""
    return _side(extents, extents.left, np.minimum, -1), _side(extents, extents.right, np.maximum, 1)


def feret_diameters(extents: Extents, pixel_size: tuple[float, float] = (1.0, 1.0)) -> tuple[Real, Real]:
    """Maximum and minimum Feret diameter.

    Args:
        extents: pixels of convex hulls from :func:`convex_extents`, at least one.
        pixel_size: pixel size along x and y.

    Returns:
        Both diameters, in the unit of the pixel size.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> line = convex_extents(extents_of(runs_of([[1, 1, 1, 1, 1]])))
        >>> [float(diameter[0]) for diameter in feret_diameters(line)]
        [5.0, 1.0]
    """
    cell, x, y = _polygons(*hull_chains(extents), pixel_size)
    start = first_of(cell)
    corners = np.diff(start, append=len(cell))
    start_of, corners_of = np.repeat(start, corners), np.repeat(corners, corners)
    place = np.arange(len(x)) - start_of
    after = start_of + (place + 1) % corners_of
    edge_x, edge_y = x[after] - x, y[after] - y
    furthest, width = np.zeros(len(x)), np.zeros(len(x))
    for shift in range(1, int(corners.max())):
        # Compare each corner with the next one, then with the one after that, and so on around the hull.
        other = place + shift
        other -= np.where(other >= corners_of, corners_of, 0)
        other = start_of + np.minimum(other, corners_of - 1)
        step_x, step_y = x[other] - x, y[other] - y
        np.maximum(furthest, step_x * step_x + step_y * step_y, out=furthest)
        np.maximum(width, np.abs(edge_x * step_y - edge_y * step_x), out=width)
    width /= np.hypot(edge_x, edge_y)
    return np.sqrt(np.maximum.reduceat(furthest, start)), np.minimum.reduceat(width, start)


def _side(extents: Extents, column: Whole, outer: np.ufunc, sign: int) -> Chain:
    """One side of the hull: midpoints of pixel sides, except those inside a straight line past them."""
    cell = np.repeat(extents.cell, 3)
    row: Whole = (2 * extents.row[:, None] + np.array([-1, 0, 1])).ravel()
    points: Whole = (2 * column[:, None] + np.array([0, sign, 0])).ravel()
    first = first_of(cell, row)
    chain = Chain(cell[first], row[first], outer.reduceat(points, first))
    while True:
        # A point inside the line between its neighbours is never a corner of the hull.
        step_row, step_column = np.diff(chain.row), np.diff(chain.column)
        turn = step_row[:-1] * step_column[1:] - step_row[1:] * step_column[:-1]
        inside = (turn * sign >= 0) & (chain.cell[2:] == chain.cell[:-2])
        if not inside.any():
            return chain
        keep = np.ones(len(chain.cell), bool)
        keep[1:-1] = ~inside
        chain = Chain(*(values[keep] for values in chain))


def _column_at(chain: Chain, cell: Whole, row: Whole, up: bool) -> Whole:
    """Column where a side crosses the rows of pixels, rounded to the pixels inside; exact."""
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
    """Corners of each hull in turn: down its right side, up its left side."""
    cell = np.concatenate([right.cell, left.cell])
    row, column = np.concatenate([right.row, left.row]), np.concatenate([right.column, left.column])
    side = np.repeat([0, 1], [len(right.cell), len(left.cell)])
    order = np.lexsort([np.where(side == 0, row, -row), side, cell])
    cell, row, column = cell[order], row[order], column[order]
    # Where a hull has a tip, both sides end in the same point.
    unique = np.zeros(len(cell), bool)
    unique[first_of(cell, row, column)] = True
    first = first_of(cell)
    last = np.append(first, len(cell))[1:] - 1
    unique[last] &= (row[last] != row[first]) | (column[last] != column[first])
    cell, row, column = cell[unique], row[unique], column[unique]
    return cell, column * (pixel_size[0] / 2), row * (pixel_size[1] / 2)
