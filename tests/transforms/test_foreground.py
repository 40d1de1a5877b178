import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellseg_monai.transforms import balanced_locations, foreground_per_patch


@given(
    mask=hnp.arrays(bool, hnp.array_shapes(min_dims=1, max_dims=3, min_side=1, max_side=7)),
    data=st.data(),
)
def test_each_position_has_the_count_of_its_window(mask, data):
    size = data.draw(st.tuples(*(st.integers(1, side) for side in mask.shape)))
    axes = tuple(range(mask.ndim))
    windows = np.lib.stride_tricks.sliding_window_view(mask, size, axes)
    expected = windows.sum(axis=tuple(range(mask.ndim, 2 * mask.ndim)))
    assert np.array_equal(foreground_per_patch(mask, size), expected)


def test_running_sums_may_wrap_round():
    counts = foreground_per_patch(np.ones((2000, 40)), 15)  # 80,000 pixels, counts of a byte
    assert counts.dtype == np.uint8
    assert (counts == 225).all()


def test_a_mask_smaller_than_a_patch_has_no_position():
    with pytest.raises(ValueError, match=r"the mask \(3, 9\) is smaller than a patch \(4, 4\); pad the mask"):
        foreground_per_patch(np.zeros((3, 9)), 4)


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [(0, 0), (1, 1), (63, 1), (64, 2)],
    ids=["none", "one", "below", "at-6.25-percent"],
)
def test_the_bounds_of_the_regimes(pixels, expected):
    mask = np.ones((64, 32), bool)  # a patch of 64 × 16 has 1,024 pixels; every place but the first is large
    mask[:, :16] = np.arange(1024).reshape(64, 16) < pixels

    def places(regime_number):
        shares = np.eye(3)[regime_number]
        return set(balanced_locations(mask, (64, 16), 300, np.random.RandomState(0), shares=shares))

    others = {(0, column) for column in range(1, 17)}
    assert places(expected) == ({(0, 0)} | others if expected == 2 else {(0, 0)})
    assert places(2) == (others | {(0, 0)} if expected == 2 else others)


def test_places_within_a_regime_are_equally_likely():
    mask = np.zeros((1, 9))
    mask[0, 4] = 1  # places 3 and 4 of a patch of two hold it, six do not
    drawn = balanced_locations(mask, (1, 2), 3000, np.random.RandomState(0), shares=(1, 0, 1))
    times = np.bincount([column for _, column in drawn], minlength=8)
    assert times[[3, 4]] == pytest.approx([750, 750], abs=90)
    assert times[[0, 1, 2, 5, 6, 7]] == pytest.approx([250] * 6, abs=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shares": (1,)}, r"shares must be three weights.*but are \(1,\)"),
        ({"small_fraction": 1.5}, "small_fraction must be above 0 and at most 1, not 1.5"),
    ],
)
def test_a_balance_that_cannot_be_drawn_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        balanced_locations(np.zeros((4, 4)), 2, 1, np.random.RandomState(0), **arguments)
