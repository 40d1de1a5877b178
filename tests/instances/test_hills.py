import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label
from skimage.morphology import local_maxima, reconstruction
from skimage.segmentation import watershed

from cellseg_monai.instances import basins, hills
from cellseg_monai.label_maps import connected_components

FULL = np.ones((3, 3))


def landscapes(max_side: int = 14) -> st.SearchStrategy[np.ndarray]:
    """Whole numbers of few values, so that plateaus and equal passes abound."""
    sides = st.integers(1, max_side)
    return hnp.arrays(np.int32, st.tuples(sides, sides), elements=st.integers(0, 6))


@given(landscapes(), st.integers(1, 5))
def test_summits_are_those_of_the_h_maxima_transform(height, min_rise):
    """The regional maxima that stay when everything is lowered and grown back under the landscape."""
    height = np.pad(height, 1)
    height[0, 0] = 10  # a summit in any case, since scikit-image finds none in a flat image
    lowered = reconstruction(height - (min_rise - 0.5), height, footprint=FULL)
    expected = label(local_maxima(lowered, connectivity=2), connectivity=2)
    hills = basins(height, height >= 0, min_rise - 0.5)
    assert hills.max() == expected.max()
    for hill in range(1, hills.max() + 1):
        summit = np.where(hills == hill, height, -1).argmax()
        assert expected.ravel()[summit] > 0


@pytest.mark.parametrize("few", [0, 10**9], ids=["in rounds", "one by one"])
def test_both_ways_to_join_agree(few, monkeypatch):
    height = np.random.default_rng(0).random((60, 70))
    by_default = basins(height, height > 0.1, 0.4)
    monkeypatch.setattr(hills, "_FEW_PASSES", few)
    np.testing.assert_array_equal(basins(height, height > 0.1, 0.4), by_default)


def test_hills_that_can_only_be_joined_one_after_another():
    """Summits fall and passes rise, so each hill has to wait for the next."""
    fall = np.linspace(0, 0.3, 1000)
    height = np.stack([1 - fall, 0.5 + fall * 0.6], axis=1).ravel()
    assert basins(height[None], np.ones((1, 2000), bool), 0.6).max() == 1


@given(landscapes(), st.integers(1, 5))
def test_each_hill_is_connected_and_numbers_have_no_gaps(height, min_rise):
    foreground = height > 1
    hills = basins(height, foreground, min_rise)
    assert hills.dtype == np.int32
    np.testing.assert_array_equal(hills > 0, foreground)
    assert len(np.unique(hills[foreground])) == hills.max()
    assert connected_components(hills).max() == hills.max()


@given(landscapes(), st.integers(1, 5))
def test_every_piece_of_foreground_has_a_hill_and_no_hill_lies_in_two(height, min_rise):
    foreground = height > 2
    hills, pieces = basins(height, foreground, min_rise), connected_components(foreground)
    assert set(pieces[hills > 0]) == set(pieces[pieces > 0])
    for number in range(1, hills.max() + 1):
        assert len(np.unique(pieces[hills == number])) == 1


def test_by_hand():
    height = np.array([[9, 5, 7, 4, 8, 0, 3]])
    assert basins(height, height > 0, 1).tolist() == [[1, 1, 2, 3, 3, 0, 4]]
    assert basins(height, height > 0, 3).tolist() == [[1, 1, 1, 2, 2, 0, 3]]
    assert basins(height, height > 0, 5).tolist() == [[1, 1, 1, 1, 1, 0, 2]]


def test_a_pass_at_exactly_the_rise_parts():
    height = np.array([[2, 1, 2]])
    assert basins(height, height > 0, 1).max() == 2
    assert basins(height, height > 0, 1.01).max() == 1


def test_long_chains_of_small_summits():
    """Each is joined to the next higher one, a thousand times over."""
    ramp = np.arange(2000) / 2000 + np.tile([0, 0.01], 1000)
    assert basins(ramp[None], np.ones((1, 2000), bool), 0.05).max() == 1


def test_volume():
    axes = np.meshgrid(*[np.linspace(0, 2 * np.pi, 16)] * 3, indexing="ij")
    height = np.prod([np.sin(axis) for axis in axes], axis=0)
    hills = basins(height, np.ones(height.shape, bool), 0.2)
    assert hills.max() == 4
    assert len({hills[4, 4, 4], hills[4, 12, 12], hills[12, 4, 12], hills[12, 12, 4]}) == 4


def test_flooding_agrees_on_most_pixels():
    y, x = np.indices((80, 80))
    height = np.maximum(1 - np.hypot(y - 30, x - 30) / 20, 1 - np.hypot(y - 45, x - 55) / 25)
    foreground = height > 0
    hills = basins(height, foreground, 0.1)
    seeds = np.zeros_like(hills)
    seeds[30, 30], seeds[45, 55] = 1, 2
    flooded = watershed(-height, seeds, mask=foreground, connectivity=2)
    assert hills.max() == 2
    assert (hills == flooded).mean() > 0.995


@pytest.mark.parametrize("value", [False, True], ids=["no foreground", "all foreground"])
def test_flat_landscapes(value):
    hills = basins(np.zeros((5, 7)), np.full((5, 7), value), 0.1)
    assert hills.tolist() == np.full((5, 7), int(value)).tolist()


def test_no_pixels():
    assert basins(np.zeros((0, 4)), np.zeros((0, 4), bool), 0.1).shape == (0, 4)


def test_more_than_65535_hills():
    height = np.zeros((600, 600))
    height[::2, ::2] = 1
    hills = basins(height, height > 0, 0.1)
    assert hills.max() == 90_000
    assert hills[-2, -2] == 90_000
