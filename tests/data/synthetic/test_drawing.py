import numpy as np
import pytest

from cellseg_monai.data.synthetic.drawing import draw, fragments, number, overlay
from cellseg_monai.data.synthetic.shapes import blobs, discs
from cellseg_monai.label_maps import connected_components

RANDOM = 7


def at(*points):
    return np.array(points, float).reshape(-1, 2)


def test_a_disc_is_the_pixels_nearer_than_its_radius():
    label, height = draw(discs(at((6.3, 5.8)), np.array([9.0])), (13, 12))
    rows, columns = np.indices(label.shape)
    distance = np.hypot(rows - 6.3, columns - 5.8)
    np.testing.assert_array_equal(label, distance <= 4.5)
    np.testing.assert_allclose(
        height[label > 0], np.maximum(1 - (distance / 4.5) ** 2, 0.02)[label > 0], atol=1e-5
    )


def test_an_ellipse_has_its_area_and_axes():
    one = np.ones(1)
    ellipse = blobs(at((60, 60)), 40 * one, 4 * one, 0 * one, np.random.default_rng(RANDOM))
    label, _ = draw(ellipse._replace(angles=0 * one), (121, 121))
    assert label.sum() == pytest.approx(np.pi * 20**2, rel=0.02)
    assert np.flatnonzero(label.any(axis=0))[[0, -1]].tolist() == [20, 100]
    assert np.flatnonzero(label.any(axis=1))[[0, -1]].tolist() == [50, 70]


def test_a_quarter_turn_swaps_the_axes():
    one = np.ones(1)
    ellipse = blobs(at((40, 40)), 30 * one, 2 * one, 0 * one, np.random.default_rng(RANDOM))
    lying, _ = draw(ellipse._replace(angles=0 * one), (81, 81))
    standing, _ = draw(ellipse._replace(angles=one * np.pi / 2), (81, 81))
    assert np.count_nonzero(lying != standing.T) <= 4


def test_a_bend_moves_the_tips_to_one_side():
    one = np.ones(1)
    bar = blobs(at((50, 50)), 40 * one, 6 * one, 0 * one, np.random.default_rng(RANDOM))
    bent, _ = draw(bar._replace(angles=0 * one, bends=one * 0.01), (101, 101))
    rows, columns = np.nonzero(bent)
    assert rows[np.abs(columns - 50) > 35].mean() > rows[np.abs(columns - 50) < 5].mean() + 8


def test_the_first_to_come_keeps_the_pixel():
    pair = discs(at((10, 10), (10, 16)), np.array([10.0, 10.0]))
    alone, _ = draw(discs(at((10, 10)), np.array([10.0])), (21, 30))
    together, _ = draw(pair, (21, 30))
    np.testing.assert_array_equal(together == 1, alone == 1)
    assert 0 < np.count_nonzero(together == 2) < np.count_nonzero(alone == 1)


def test_of_a_cut_object_only_the_largest_piece_stays():
    one = np.ones(2)
    bars = blobs(
        at((20, 20), (24, 20)), np.array([16.0, 16.0]), 8 * one, 0 * one, np.random.default_rng(RANDOM)
    )
    crossed = bars._replace(angles=np.array([0, np.pi / 2]))
    label, height = draw(crossed, (48, 41))
    assert connected_components(label, connectivity=1).max() == 2
    below = np.nonzero(label == 2)[0]
    assert below.min() > 20  # the second bar is longer below the first than above
    np.testing.assert_array_equal(height > 0, label > 0)


def test_an_object_of_which_little_is_left_goes_and_its_height_with_it():
    nearly_hidden = discs(at((15, 15), (15, 16)), np.array([20.0, 20.0]))
    label, height = draw(nearly_hidden, (31, 31))
    assert np.unique(label).tolist() == [0, 1]
    np.testing.assert_array_equal(height > 0, label > 0)


def test_the_only_object_stays_however_little_is_seen():
    label, _ = draw(discs(at((0, 0)), np.array([50.0])), (2, 2))
    assert label.tolist() == [[1, 1], [1, 1]]


@pytest.mark.parametrize("centre", [(-50, 5), (5, 90)])
def test_an_object_outside_draws_nothing(centre):
    label, height = draw(discs(at(centre), np.array([8.0])), (10, 10))
    assert label.max() == 0
    assert height.max() == 0


def test_no_object_draws_nothing():
    assert list(fragments(discs(np.empty((0, 2)), np.empty(0)), (5, 5))) == []
    assert draw(discs(np.empty((0, 2)), np.empty(0)), (5, 5))[0].max() == 0


def test_order_holds_across_the_portions_in_which_objects_are_drawn():
    random = np.random.default_rng(RANDOM)
    many = discs(random.uniform(0, 400, (4000, 2)), np.full(4000, 12.0))
    assert len(list(fragments(many, (400, 400)))) > 3
    owners = np.concatenate([part.owners for part in fragments(many, (400, 400))])
    pixels = np.concatenate([part.pixels for part in fragments(many, (400, 400))])
    first = np.full(400 * 400, 10_000)
    np.minimum.at(first, pixels, owners)
    label, _ = draw(many, (400, 400))
    np.testing.assert_array_equal(label[label > 0] - 1, first.reshape(400, 400)[label > 0])


def test_an_overlay_keeps_the_brighter():
    canvas = np.full((9, 9), 0.5, np.float32)
    overlay(canvas, discs(at((4, 4), (4, 4)), np.array([6.0, 6.0])), np.array([2.0, 1.0]))
    assert canvas[4, 4] == 2
    assert canvas.min() == 0.5


def test_numbering_closes_gaps_and_tells_the_outline():
    numbered, drawn = number(np.array([[0, 5, 5, 2]], np.int32))
    assert numbered.tolist() == [[0, 2, 2, 1]]
    assert drawn.tolist() == [1, 4]


def test_however_thin_an_object_covers_the_pixel_of_its_centre():
    one = np.ones(1)
    hair = blobs(at((4.5, 4.45)), 0.01 * one, 9 * one, 0 * one, np.random.default_rng(RANDOM))
    label, height = draw(hair, (9, 9))
    assert np.argwhere(label).tolist() == [[4, 4]]
    assert height[4, 4] > 0
