import numpy as np
import pytest
from scipy.spatial import cKDTree

from cellseg_monai.data.synthetic.placement import object_count, scatter


def test_points_keep_their_distance_where_there_is_room():
    points = scatter(40, (200, 300), 15, np.random.default_rng(0))
    nearest = cKDTree(points).query(points, k=2)[0][:, 1]
    assert nearest.min() > 15 * 0.93**3
    assert (points >= -0.5).all()
    assert (points < (199.5, 299.5)).all()


def test_a_crowd_moves_together_and_none_is_lost():
    assert scatter(500, (20, 20), 15, np.random.default_rng(0)).shape == (500, 2)


def test_preference_decides_where_they_settle():
    points = scatter(
        100, (100, 100), 3, np.random.default_rng(0), lambda where: (where[:, 0] < 50).astype(float)
    )
    assert (points[:, 0] < 50).all()


@pytest.mark.parametrize(
    ("density", "expected"),
    [(0, 0), (1e-9, 1), (0.1, 10), (0.5, 50)],
    ids=["none", "at least one", "10", "50"],
)
def test_count_covers_the_share(density, expected):
    assert object_count((100, 100), density, area=100) == expected
