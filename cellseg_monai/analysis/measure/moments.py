"""Position and elongation of cells: centroid, bounding box, and the ellipse with the same moments."""

from typing import NamedTuple

import numpy as np

from cellseg_monai.analysis.measure.runs import Real, Runs, Whole


class Box(NamedTuple):
    """Bounding boxes of cells in pixels.

    Attributes:
        left: first column.
        top: first row.
        right: column after the last one.
        bottom: row after the last one.
    """

    left: Whole
    top: Whole
    right: Whole
    bottom: Whole


class Ellipse(NamedTuple):
    """Ellipses with the second moments of cells.

    Attributes:
        major: length of the major axis, 4·√λ₁, with λ₁ ≥ λ₂ the variances of the pixels along the principal
            directions.
        minor: length of the minor axis, 4·√λ₂.
        eccentricity: √(1 − λ₂/λ₁), 0 for a disc.
        orientation: angle in radians from the vertical (rows) to the major axis, from −π/2 to π/2, as in
            scikit-image: positive if the axis points to the lower right.
    """

    major: Real
    minor: Real
    eccentricity: Real
    orientation: Real


def boxes(runs: Runs) -> Box:
    """Bounding box of each cell.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> [side.tolist() for side in boxes(runs_of([[0, 0, 0], [0, 5, 5]]))]
        [[1], [1], [3], [2]]
    """
    return Box(
        np.minimum.reduceat(runs.start, runs.first),
        np.minimum.reduceat(runs.row, runs.first),
        np.maximum.reduceat(runs.stop, runs.first),
        np.maximum.reduceat(runs.row, runs.first) + 1,
    )


def centroids(runs: Runs) -> tuple[Real, Real]:
    """Mean row and mean column of the pixels of each cell."""
    columns = (runs.start + runs.stop - 1) * runs.length  # twice their sum
    return runs.sum(runs.row * runs.length) / runs.area, runs.sum(columns) / (2 * runs.area)


def ellipses(runs: Runs, pixel_size: tuple[float, float] = (1.0, 1.0)) -> Ellipse:
    """Ellipse of each cell.

    Args:
        runs: runs of the label map.
        pixel_size: pixel size along x and y.

    Returns:
        Ellipses, with axes in the unit of the pixel size.

    Example:
        A line of four pixels has a variance of 5/4 along itself:

        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> found = ellipses(runs_of([[3, 3, 3, 3]]))
        >>> round(float(found.major[0]), 4), float(found.minor[0]), round(float(found.orientation[0]), 4)
        (4.4721, 0.0, 1.5708)
    """
    along_x, along_y = pixel_size
    box, area = boxes(runs), runs.area
    row, first = runs.row - box.top[runs.cell], runs.start - box.left[runs.cell]
    last = first + runs.length - 1
    # Whole numbers counted from the corner of the box are exact, so that a round cell is found to be round.
    sum_row, sum_column = runs.sum(row * runs.length), runs.sum((first + last) * runs.length) // 2
    squares = runs.sum(_sum_of_squares(last) - _sum_of_squares(first - 1))
    products = runs.sum(row * ((first + last) * runs.length // 2))
    total = area.astype(np.float64) ** 2
    down = along_y**2 * (runs.sum(row * row * runs.length) * area - sum_row**2) / total
    across = along_x**2 * (squares * area - sum_column**2) / total
    mixed = along_x * along_y * (products * area - sum_row * sum_column) / total
    middle, half = (down + across) / 2, np.hypot((down - across) / 2, mixed)
    long, short = middle + half, np.maximum(middle - half, 0.0)
    roundness = np.divide(short, long, out=np.ones_like(long), where=long > 0)
    diagonal = np.where(mixed > 0, np.pi / 4, -np.pi / 4)
    angle = np.where(down == across, diagonal, 0.5 * np.arctan2(2 * mixed, down - across))
    return Ellipse(4 * np.sqrt(long), 4 * np.sqrt(short), np.sqrt(1 - roundness), angle)


def _sum_of_squares(n: Whole) -> Whole:
    """1² + 2² + … + n²."""
    return n * (n + 1) * (2 * n + 1) // 6
