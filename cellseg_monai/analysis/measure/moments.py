"""Where a cell lies and how it is drawn out: area, centroid, box, and the ellipse of the same moments."""

from typing import NamedTuple

import numpy as np

from cellseg_monai.analysis.measure.runs import Real, Runs, Whole


class Box(NamedTuple):
    """Smallest boxes around cells, in pixels; the last row and column are not within.

    Attributes:
        top: first row.
        left: first column.
        bottom: row after the last.
        right: column after the last.
    """

    top: Whole
    left: Whole
    bottom: Whole
    right: Whole

    def touches(self, shape: tuple[int, int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Whether a cell has a pixel in the outermost row or column of an image."""
        touching: np.ndarray[tuple[int], np.dtype[np.bool_]] = (
            (self.top == 0) | (self.left == 0) | (self.bottom == shape[0]) | (self.right == shape[1])
        )
        return touching


class Ellipse(NamedTuple):
    """Ellipses with the moments of cells.

    Attributes:
        major: long axis, 4·√λ₁ with λ₁ ≥ λ₂ the variances of the pixels along the two main directions.
        minor: short axis, 4·√λ₂.
        eccentricity: √(1 − λ₂/λ₁), 0 for a disc.
        orientation: radians from the vertical (rows) to the long axis, from −π/2 to π/2, positive towards the
            right below: the angle of scikit-image.
    """

    major: Real
    minor: Real
    eccentricity: Real
    orientation: Real


def boxes(runs: Runs) -> Box:
    """The box of each cell.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> [side.tolist() for side in boxes(runs_of([[0, 0, 0], [0, 5, 5]]))]
        [[1], [1], [2], [3]]
    """
    if not len(runs.first):
        return Box(*(np.empty(0, np.int64),) * 4)
    return Box(
        np.minimum.reduceat(runs.row, runs.first),
        np.minimum.reduceat(runs.start, runs.first),
        np.maximum.reduceat(runs.row, runs.first) + 1,
        np.maximum.reduceat(runs.stop, runs.first),
    )


def centroids(runs: Runs) -> tuple[Real, Real]:
    """Mean row and mean column of the pixels of each cell."""
    area = np.maximum(runs.area, 1)
    columns = (runs.start + runs.stop - 1) * runs.length  # twice their sum
    return runs.sum(runs.row * runs.length) / area, runs.sum(columns) / (2 * area)


def ellipses(runs: Runs, pixel_size: tuple[float, float] = (1.0, 1.0)) -> Ellipse:
    """The ellipse of each cell.

    Args:
        runs: of the label map.
        pixel_size: along x and along y.

    Returns:
        :class:`Ellipse`, its axes in the unit of the pixel size.

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
    # Whole numbers counted from the corner of the box: exact, and a round cell is found to be round.
    sum_row, sum_column = runs.sum(row * runs.length), runs.sum((first + last) * runs.length) // 2
    squares = runs.sum(_sum_of_squares(last) - _sum_of_squares(first - 1))
    products = runs.sum(row * ((first + last) * runs.length // 2))
    total = np.maximum(area, 1).astype(np.float64)
    down = along_y**2 * (runs.sum(row * row * runs.length) * area - sum_row**2) / total**2
    across = along_x**2 * (squares * area - sum_column**2) / total**2
    mixed = along_x * along_y * (products * area - sum_row * sum_column) / total**2
    middle, half = (down + across) / 2, np.hypot((down - across) / 2, mixed)
    long = middle + half
    short = np.maximum(middle - half, 0.0)
    roundness = np.divide(short, long, out=np.ones_like(long), where=long > 0)
    diagonal = np.where(mixed > 0, np.pi / 4, -np.pi / 4)
    angle = np.where(down == across, diagonal, 0.5 * np.arctan2(2 * mixed, down - across))
    return Ellipse(4 * np.sqrt(long), 4 * np.sqrt(short), np.sqrt(1 - roundness), angle)


def _sum_of_squares(n: Whole) -> Whole:
    """1² + 2² + … + n²."""
    return n * (n + 1) * (2 * n + 1) // 6
