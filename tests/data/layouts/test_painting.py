import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellseg_monai.data.layouts.painting import paint, polygon_pixels
from cellseg_monai.polygons import fill


@pytest.mark.parametrize(
    ("xs", "ys", "area"),
    [
        ([0, 4, 4, 0], [0, 0, 4, 4], 16),
        ([0, 4, 4, 0, 0], [0, 0, 4, 4, 0], 16),
        ([1, 6, 6, 1], [2, 2, 5, 5], 15),
        ([0, 4, 0], [0, 0, 4], 6),  # the 4 centres on the diagonal belong to a neighbour there
        ([0.5, 2.5, 2.5, 0.5], [0.5, 0.5, 2.5, 2.5], 4),
        ([8, 14, 14, 8], [8, 8, 14, 14], 4),
        ([-2, 2, 2, -2], [-2, -2, 2, 2], 4),
        ([20, 24, 24, 20], [0, 0, 4, 4], 0),
        ([3.1, 3.2, 3.2, 3.1], [3.1, 3.1, 3.2, 3.2], 0),
        ([1, 2], [1, 2], 0),
        ([], [], 0),
    ],
    ids=[
        "square",
        "closed",
        "rectangle",
        "triangle",
        "corners on centres",
        "over the far corner",
        "over the near corner",
        "outside",
        "between centres",
        "two corners",
        "none",
    ],
)
def test_area_of_a_polygon(xs: list[float], ys: list[float], area: int) -> None:
    pixels = polygon_pixels(xs, ys, (10, 10))
    assert len(pixels) == len(set(pixels.tolist())) == area


def test_squares_side_by_side_share_no_pixel() -> None:
    left = polygon_pixels([0, 4, 4, 0], [0, 0, 4, 4], (4, 8))
    right = polygon_pixels([4, 8, 8, 4], [0, 0, 4, 4], (4, 8))
    assert sorted([*left, *right]) == list(range(32))


def test_x_counts_columns_and_y_rows() -> None:
    drawn = paint([("bar", polygon_pixels([0, 3, 3, 0], [1, 1, 2, 2], (3, 4)))], (3, 4))
    np.testing.assert_array_equal(drawn.label_map, [[0, 0, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]])


QUARTERS = st.integers(0, 80).map(lambda number: number / 4)
"""Coordinates that often fall on centres of pixels and on their corners."""


@given(st.lists(st.tuples(QUARTERS, QUARTERS), min_size=3, max_size=8))
def test_an_import_draws_what_a_conversion_draws(corners: list[tuple[float, float]]) -> None:
    xs, ys = zip(*corners, strict=True)
    converted = fill([(1, [np.array(corners)])], (20, 20)).label_map
    np.testing.assert_array_equal(polygon_pixels(xs, ys, (20, 20)), np.flatnonzero(converted))


def test_corner_that_is_no_number() -> None:
    with pytest.raises(ValueError, match="not finite"):
        polygon_pixels([0, float("nan"), 4], [0, 0, 4], (9, 9))


@pytest.mark.parametrize(
    ("objects", "label_map", "contested", "lost"),
    [
        ([], [0, 0, 0, 0], 0, ()),
        ([[0, 1], [2]], [1, 1, 2, 0], 0, ()),
        ([[0, 1, 2], [2]], [1, 1, 2, 0], 1, ()),
        ([[2], [0, 1, 2]], [2, 2, 1, 0], 1, ()),
        ([[0, 1], [1, 2]], [1, 1, 2, 0], 1, ()),
        ([[0, 1], [0, 1], [3]], [1, 1, 0, 2], 2, ("1",)),
        ([[0, 1, 2], [0, 1], [2]], [1, 1, 2, 0], 3, ("0",)),
        ([[0, 1, 2], [1, 2], [2]], [1, 2, 3, 0], 2, ()),
        ([[0], []], [1, 0, 0, 0], 0, ("1",)),
    ],
    ids=[
        "nothing",
        "apart",
        "small after large",
        "small before large",
        "same size: the earlier",
        "the same twice",
        "covered by two",
        "three on a pixel",
        "no pixel",
    ],
)
def test_paint(objects: list[list[int]], label_map: list[int], contested: int, lost: tuple[str, ...]) -> None:
    named = [(str(number), np.array(pixels, np.intp)) for number, pixels in enumerate(objects)]
    drawn = paint(named, (2, 2))
    assert drawn.label_map.dtype == np.int32
    np.testing.assert_array_equal(drawn.label_map, np.reshape(label_map, (2, 2)))
    assert (drawn.contested_pixels, drawn.lost_objects) == (contested, lost)


def test_more_objects_than_16_bits_hold() -> None:
    drawn = paint([(str(place), np.array([place])) for place in range(70_000)], (700, 100))
    assert drawn.label_map.max() == 70_000
    assert not drawn.lost_objects
