import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from monai.data.utils import compute_importance_map, dense_patch_slices
from monai.inferers.utils import _get_scan_interval

from cellseg_monai.inference import Tiling, fitted_tiling, sliding_tiling
from cellseg_monai.inference.stitching import stitch
from cellseg_monai.inference.windows import blending_weights

sides = st.integers(1, 700)
overlaps = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.7, 0.9])


@given(st.lists(st.tuples(sides, st.integers(1, 200), overlaps), min_size=1, max_size=3))
def test_places_are_those_of_monai(axes):
    shape, window, overlap = zip(*axes, strict=True)
    padded = tuple(map(max, shape, window))
    steps = _get_scan_interval(padded, window, len(shape), overlap)
    tiling = sliding_tiling(shape, window, overlap)
    for axis in range(len(shape)):  # all places at once would be too many
        (expected,) = zip(
            *dense_patch_slices(padded[axis : axis + 1], window[axis : axis + 1], steps[axis : axis + 1]),
            strict=True,
        )
        assert list(tiling.starts[axis]) == [place.start for place in expected]


def test_rows_are_in_reading_order():
    tiling = sliding_tiling((70, 50, 40), (32, 32, 32), (0.25, 0.0, 0.0))
    expected = [
        tuple(s.start for s in box) for box in dense_patch_slices((70, 50, 40), (32,) * 3, (24, 32, 32))
    ]
    assert [place for row in tiling.rows() for place in row.places] == expected
    assert [row.final for row in tiling.rows()] == [24, 38, 70]
    assert len(tiling) == len(expected)


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 64)), min_size=1, max_size=3))
def test_fitted_windows_cover_and_share_what_they_should(axes):
    shape, overlap = zip(*axes, strict=True)
    tiling = fitted_tiling(shape, 512**2, overlap, least=(128,) * len(shape))
    for axis, (length, share) in enumerate(axes):
        starts, side = tiling.starts[axis], tiling.window[axis]
        assert starts[0] == 0
        assert side % 32 == 0
        assert side >= min(128, length)
        assert all(start % 32 == 0 for start in starts[:-1])
        if len(starts) == 1:
            assert length <= side < length + 32
        else:
            assert starts[-1] + side == length
            assert all(first + side - second >= share for first, second in itertools.pairwise(starts))
        waste = len(starts) * side - length - (len(starts) - 1) * share
        assert waste < len(starts) * 64  # rounding of the side, and of the overlap


@pytest.mark.parametrize(
    ("shape", "window", "count"),
    [
        ((520, 696), (544, 704), 1),
        ((1024, 1024), (544, 544), 4),
        ((4096, 4096), (544, 544), 64),
        ((100, 20_000), (128, 2528), 8),
        ((64, 128, 128), (64, 64, 64), 9),
    ],
    ids=str,
)
def test_fitted_windows_by_hand(shape, window, count):
    tiling = fitted_tiling(shape, 512**2, (32,) * len(shape), least=(64,) * len(shape))
    assert (tiling.window, len(tiling)) == (window, count)


@pytest.mark.parametrize("window", [(24, 32), (8, 12, 10)], ids=str)
@pytest.mark.parametrize("blending", ["gaussian", "constant"])
@pytest.mark.parametrize("sigma_scale", [0.125, 0.3])
def test_weights_of_a_patch_are_those_of_monai(window, blending, sigma_scale):
    found = blending_weights(window, window, blending, sigma_scale)
    torch.testing.assert_close(found, compute_importance_map(window, blending, sigma_scale))


def test_weights_of_a_larger_window_fall_off_as_those_of_a_patch():
    patch, window = (
        blending_weights((16,), (16,), "gaussian", 0.125),
        blending_weights((40,), (16,), "gaussian", 0.125),
    )
    torch.testing.assert_close(window[:8], patch[:8])
    torch.testing.assert_close(window[-8:], patch[-8:])
    assert torch.equal(window[8:-8], patch[8].expand(24))
    small = blending_weights((6, 40), (16, 16), "gaussian", 0.125)
    torch.testing.assert_close(small, small.flip(0).flip(1))


def test_stitching_equals_sums_over_the_whole_image():
    tiling = sliding_tiling((37, 29), (16, 12), (0.5, 0.3))
    weights = blending_weights((16, 12), (16, 12), "gaussian", 0.125)
    windows = [torch.rand(2, 16, 12) for _ in range(len(tiling))]
    sums, shares = np.zeros((2, 37, 29)), np.zeros((37, 29))
    places = [place for row in tiling.rows() for place in row.places]
    for (y, x), window in zip(places, windows, strict=True):
        sums[:, y : y + 16, x : x + 12] += (window * weights).numpy()
        shares[y : y + 16, x : x + 12] += weights.numpy()
    found = [(start, rows.clone()) for start, rows in stitch(tiling, weights, windows)]
    assert [start for start, _ in found] == list(tiling.starts[0])
    np.testing.assert_allclose(torch.cat([rows for _, rows in found], dim=1), sums / shares, rtol=1e-5)


def test_rows_come_before_later_windows_are_asked_for():
    tiling = Tiling((8, 4), (4, 4), ((0, 4), (0,)))
    asked = []

    def windows():
        for number in range(2):
            asked.append(number)
            yield torch.full((1, 4, 4), float(number))

    rows = stitch(tiling, torch.ones(4, 4), windows())
    assert next(rows)[1].unique().tolist() == [0]
    assert asked == [0]
