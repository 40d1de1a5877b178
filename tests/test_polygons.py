import numpy as np
import pytest
from skimage.draw import polygon

from cellseg_monai.polygons import fill


def box(left: float, top: float, right: float, bottom: float) -> list[np.ndarray]:
    return [np.array([[left, top], [right, top], [right, bottom], [left, bottom]])]


def test_random_polygons_are_those_of_scikit_image() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        corners = random.uniform(-5, 35, (random.integers(3, 9), 2))
        rows, columns = polygon(corners[:, 1] - 0.5, corners[:, 0] - 0.5, (24, 31))
        expected = np.zeros((24, 31), np.int32)
        expected[rows, columns] = 6
        np.testing.assert_array_equal(fill([(6, [corners])], (24, 31)).label_map, expected)


@pytest.mark.parametrize("slope", [0.0, 1.0, -1.0, 0.5, 3.0])
def test_neighbours_along_an_edge_share_no_pixel_and_leave_no_gap(slope: float) -> None:
    top, bottom = 8.5 - 6 * slope, 8.5 + 6 * slope  # through the centre of a pixel
    left = np.array([[top, 2.5], [bottom, 14.5], [-40, 14.5], [-40, 2.5]])
    right = np.array([[top, 2.5], [60, 2.5], [60, 14.5], [bottom, 14.5]])
    filled = fill([(1, [left]), (2, [right])], (17, 17))
    assert filled.contested == 0
    assert (filled.label_map[2:14] > 0).all()


def test_the_smaller_object_lies_on_top() -> None:
    objects = [(1, box(1, 1, 3, 3)), (2, box(0, 0, 4, 4)), (3, box(3, 0, 4, 1))]
    filled = fill(objects, (4, 4))
    assert filled.label_map.tolist() == [[2, 2, 2, 3], [2, 1, 1, 2], [2, 1, 1, 2], [2, 2, 2, 2]]
    assert (filled.contested, filled.lost) == (5, ())


def test_of_two_of_one_size_the_first_lies_on_top_and_the_other_is_lost() -> None:
    assert fill([(4, box(0, 0, 2, 1)), (3, box(0, 0, 2, 1))], (1, 2)).label_map.tolist() == [[4, 4]]
    assert fill([(4, box(0, 0, 2, 1)), (3, box(0, 0, 2, 1))], (1, 2)).lost == (3,)


def test_an_id_may_come_twice() -> None:
    filled = fill([(4, box(0, 0, 2, 1)), (4, box(1, 0, 3, 1))], (1, 4))
    assert (filled.label_map.tolist(), filled.contested) == ([[4, 4, 4, 0]], 0)


def test_what_holds_no_centre_is_lost() -> None:
    assert fill([(4, box(0.6, 0.6, 1.4, 1.4))], (2, 2)).lost == (4,)


def test_what_lies_outside_is_cut_off() -> None:
    assert fill([(1, box(-3, -3, 1, 1)), (2, box(2, 1, 9, 9))], (2, 3)).label_map.tolist() == [
        [1, 0, 0],
        [0, 0, 2],
    ]


@pytest.mark.parametrize(
    ("number", "corner", "message"),
    [
        (0, 1.0, "ids must be 1 to"),
        (2**31, 1.0, "ids must be 1 to"),
        (1, np.nan, "not finite"),
    ],
    ids=["zero", "beyond int32", "NaN"],
)
def test_refusals(number: int, corner: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fill([(number, box(0, 0, corner, corner))], (2, 2))
