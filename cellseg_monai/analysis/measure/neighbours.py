"""Spatial relations between cells: touching cells, nearest cells, and local density."""

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import KDTree

from cellseg_monai.analysis.measure.runs import Real, Whole
from cellseg_monai.label_maps import touching_pairs

_SLICES = 64  # of a circle, to find how much of it lies in the image


def nearest_cells(x: Real, y: Real, count: int) -> tuple[Whole, Real]:
    """Find the nearest cells.

    Args:
        x: x of the centroids.
        y: y of the centroids.
        count: number of nearest cells per cell.

    Returns:
        Indices (cells, count) of the nearest cells, nearest first, -1 if there are fewer; and the distances
        to them, NaN if there are fewer.

    Example:
        >>> places, distances = nearest_cells(np.array([0.0, 3.0, 9.0]), np.zeros(3), 1)
        >>> places.ravel(), distances.ravel()
        (array([1, 0, 1]), array([3., 3., 6.]))
    """
    if count < 1:
        raise ValueError(f"neighbours must be at least 1, not {count}")
    points = np.stack([x, y], axis=1)
    away, index = map(np.asarray, KDTree(points).query(points, k=count + 1, workers=-1))
    # Among cells with the same centroid, a cell finds itself anywhere or not at all; then omit the last one.
    itself = index == np.arange(len(points))[:, None]
    itself[~itself.any(axis=1), -1] = True
    away, index = away[~itself].reshape(-1, count), index[~itself].reshape(-1, count)
    known = np.isfinite(away)
    return np.where(known, index, -1), np.where(known, away, np.nan)


def local_density(x: Real, y: Real, size: tuple[float, float], radius: float) -> Real:
    """Number of other cells within a radius, divided by the area of that circle inside the image.

    Args:
        x: x of the centroids.
        y: y of the centroids.
        size: size of the image along x and y, with the corner of the first pixel at 0.
        radius: radius of the circle, in the unit of the centroids.

    Returns:
        Cells per unit of area.

    Example:
        One other cell, and the whole circle lies in the image:

        >>> density = local_density(np.array([50.0, 53.0]), np.array([50.0, 50.0]), (100, 100), 10)
        >>> (density * np.pi * 100).round(6).tolist()
        [1.0, 1.0]
    """
    if not radius > 0:
        raise ValueError(f"density_radius must be above 0, not {radius}")
    if not len(x):
        return np.empty(0)
    points = np.stack([x, y], axis=1)
    others = KDTree(points).query_ball_point(points, radius, workers=-1, return_length=True) - 1
    return others / _area_within(x, y, size, radius)


def neighbour_table(
    label_map: npt.ArrayLike, ids: Whole, x: Real, y: Real, nearest: Whole, unit: str
) -> pd.DataFrame:
    """Pairs of cells that touch, or where one is among the nearest cells of the other.

    Args:
        label_map: label map of one plane.
        ids: its ids in ascending order.
        x: x of the centroids.
        y: y of the centroids.
        nearest: indices of the nearest cells of each cell.
        unit: unit of the centroids, for the name of the column.

    Returns:
        Table with ``label``, ``neighbour``, ``distance_<unit>`` and ``touching``; each pair is listed twice,
        once from each side.
    """

    def keys(one: Whole, other: Whole) -> Whole:
        return np.concatenate([one * len(ids) + other, other * len(ids) + one])

    touching = keys(*ids.searchsorted(touching_pairs(label_map)).T)
    cell, rank = np.nonzero(nearest >= 0)
    pairs = np.union1d(touching, keys(cell, nearest[cell, rank]))
    one, other = np.divmod(pairs, max(len(ids), 1))
    return pd.DataFrame(
        {
            "label": ids[one],
            "neighbour": ids[other],
            f"distance_{unit}": np.hypot(x[one] - x[other], y[one] - y[other]),
            "touching": np.isin(pairs, touching),
        }
    )


def _area_within(x: Real, y: Real, size: tuple[float, float], radius: float) -> Real:
    """Area of a circle inside the image, from slices along x; accurate to one in a thousand."""
    middle = np.cos((np.arange(_SLICES) + 0.5) / _SLICES * np.pi)  # denser where the circle is steep
    thick = np.sin((np.arange(_SLICES) + 0.5) / _SLICES * np.pi) * np.pi / _SLICES * radius
    area = np.zeros(len(x))
    for place, width in zip(middle * radius, thick, strict=True):
        half = np.sqrt(radius**2 - place**2)
        height = np.minimum(y + half, size[1]) - np.maximum(y - half, 0)
        area += np.where((x + place >= 0) & (x + place <= size[0]), width * np.maximum(height, 0), 0)
    return area
