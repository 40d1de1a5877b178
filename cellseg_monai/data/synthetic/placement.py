"""Positions of objects: scattered, but rarely on top of each other."""

from collections.abc import Callable

import numpy as np
from scipy.spatial import cKDTree

from cellseg_monai.data.synthetic.scene import Numbers, Points, Size


def object_count(size: Size, density: float, area: float) -> int:
    """Return how many objects cover a share of the image: at least one, unless the density is 0.

    Args:
        size: rows and columns.
        density: share of the image to cover.
        area: area of an object in pixels.

    Example:
        >>> object_count((100, 100), density=0.2, area=500), object_count((9, 9), density=0.2, area=500)
        (4, 1)
    """
    return max(1, round(density * size[0] * size[1] / area)) if density else 0


def scatter(
    count: int,
    size: Size,
    spacing: float,
    random: np.random.Generator,
    preference: Callable[[Points], Numbers] | None = None,
) -> Points:
    """Scatter points that keep a distance from each other.

    Points are drawn in rounds. A point too close to an earlier one is dropped, and each round needs slightly
    less distance, so the points of a dense crowd move closer together.

    Args:
        count: number of points.
        size: rows and columns of the field.
        spacing: distance in pixels in the first round.
        random: random generator.
        preference: function that returns the probability of accepting each point; by default all points are
            accepted.

    Returns:
        Exactly ``count`` points.

    Example:
        >>> scatter(50, (100, 200), spacing=10, random=np.random.default_rng(0)).shape
        (50, 2)
    """
    settled: Points = np.empty((0, 2))
    while len(settled) < count:
        thrown = random.uniform((-0.5, -0.5), np.array(size) - 0.5, (2 * (count - len(settled)) + 16, 2))
        if preference is not None:
            thrown = thrown[random.random(len(thrown)) < preference(thrown)]
        points = np.concatenate([settled, thrown])
        too_close = cKDTree(points).query_pairs(spacing, output_type="ndarray")
        free = np.ones(len(points), bool)
        free[too_close.max(axis=1, initial=-1)] = False
        settled = points[free][:count]
        spacing *= 0.93
    return settled
