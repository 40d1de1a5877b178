"""How cells lie to each other: which touch, which are near, how crowded it is."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import KDTree

from cellseg_monai.analysis.measure.runs import Real, Whole
from cellseg_monai.label_maps import touching_pairs

_SLICES = 64  # in which a circle is cut to see how much of it is within the image


class Nearest(NamedTuple):
    """The nearest cells of each cell, by centroid.

    Attributes:
        places: (cells, k) places of the nearest cells, nearest first; -1 where there are no more.
        distances: to them; NaN where there are no more.
    """

    places: Whole
    distances: Real


def nearest_cells(x: Real, y: Real, count: int) -> Nearest:
    """Find the nearest cells.

    Args:
        x: of the centroids.
        y: of the centroids.
        count: how many for each cell.

    Returns:
        :class:`Nearest`.

    Example:
        >>> found = nearest_cells(np.array([0.0, 3.0, 9.0]), np.zeros(3), 1)
        >>> found.places.ravel(), found.distances.ravel()
        (array([1, 0, 1]), array([3., 3., 6.]))
    """
    if count < 1:
        raise ValueError(f"neighbours is the number of nearest cells to look at, at least 1, not {count}")
    points = np.stack([x, y], axis=1)
    places = np.full((len(points), count), -1)
    distances = np.full((len(points), count), np.nan)
    known = min(count, len(points) - 1)
    if known > 0:
        found = KDTree(points).query(points, k=known + 1, workers=-1)
        away, index = np.asarray(found[0]), np.asarray(found[1])
        # Of cells with one centroid each finds itself at any place, or not at all: then the last is left out.
        itself = index == np.arange(len(points))[:, None]
        itself[~itself.any(axis=1), -1] = True
        places[:, :known] = index[~itself].reshape(-1, known)
        distances[:, :known] = away[~itself].reshape(-1, known)
    return Nearest(places, distances)


def local_density(x: Real, y: Real, size: tuple[float, float], radius: float) -> Real:
    """Other cells within a radius, divided by the part of that circle which lies in the image.

    Args:
        x: of the centroids.
        y: of the centroids.
        size: of the image along x and along y, from -0.5 pixels.
        radius: in the unit of the centroids.

    Returns:
        Cells a unit of area.

    Example:
        One other cell; the circle lies in the image:

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
    density: Real = others / _area_within(x, y, size, radius)
    return density


def neighbour_table(
    label_map: npt.ArrayLike, ids: Whole, x: Real, y: Real, nearest: Nearest, unit: str
) -> pd.DataFrame:
    """Every pair of cells that touch, or of which one is among the nearest of the other.

    Args:
        label_map: a plane.
        ids: of its cells, ascending.
        x: of the centroids.
        y: of the centroids.
        nearest: of each cell.
        unit: of the centroids, for the name of the column.

    Returns:
        ``label``, ``neighbour``, ``distance_<unit>`` and ``touching``; each pair twice, once from each side.
    """
    touching = ids.searchsorted(touching_pairs(label_map))
    cell = np.repeat(np.arange(len(ids)), nearest.places.shape[1])
    near = np.stack([cell, nearest.places.ravel()], axis=1)[nearest.places.ravel() >= 0]
    both = np.concatenate([touching, near])
    keys = np.unique(np.concatenate([both[:, 0] * len(ids) + both[:, 1], both[:, 1] * len(ids) + both[:, 0]]))
    one, other = np.divmod(keys, max(len(ids), 1))
    touch = np.isin(keys, np.concatenate([touching[:, 0] * len(ids) + touching[:, 1],
                                          touching[:, 1] * len(ids) + touching[:, 0]]))  # fmt: skip
    return pd.DataFrame(
        {
            "label": ids[one],
            "neighbour": ids[other],
            f"distance_{unit}": np.hypot(x[one] - x[other], y[one] - y[other]),
            "touching": touch,
        }
    )


def _area_within(x: Real, y: Real, size: tuple[float, float], radius: float) -> Real:
    """Part of a circle that lies in the image, from slices along x; right to one in a thousand."""
    middle = np.cos((np.arange(_SLICES) + 0.5) / _SLICES * np.pi)  # closer together where the circle is steep
    thick = np.sin((np.arange(_SLICES) + 0.5) / _SLICES * np.pi) * np.pi / _SLICES * radius
    area = np.zeros(len(x))
    for place, width in zip(middle * radius, thick, strict=True):
        half = np.sqrt(radius**2 - place**2)
        height = np.minimum(y + half, size[1]) - np.maximum(y - half, 0)
        area += np.where((x + place >= 0) & (x + place <= size[0]), width * np.maximum(height, 0), 0)
    return area
