"""Outlines against shapely, which knows what a valid polygon is and how large."""

import numpy as np
import pytest
from hypothesis import given
from scipy import ndimage

from cellseg_monai.export import outlines
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.polygons import fill
from tests.export.maps import MANY, MAPS, every_map
from tests.strategies import label_maps


def filled(label_map: LabelMap) -> LabelMap:
    result = fill([(one.id, one.rings) for one in outlines(label_map)], label_map.shape)
    assert result[1:] == (0, ())
    return result.label_map


@every_map
def test_filled_outlines_are_the_label_map(label_map: LabelMap) -> None:
    np.testing.assert_array_equal(filled(label_map), label_map)


def test_more_cells_than_sixteen_bits_number() -> None:
    assert MANY.max() > 65_535
    np.testing.assert_array_equal(filled(MANY), MANY)


@given(label_maps())
def test_filled_outlines_are_any_label_map(drawn: LabelMap) -> None:
    np.testing.assert_array_equal(filled(drawn[0]), drawn[0])


def assert_valid(label_map: LabelMap) -> None:
    shapely = pytest.importorskip("shapely", reason="shapely is not installed")
    for one in outlines(label_map):
        shape = shapely.MultiPolygon([(polygon[0], polygon[1:]) for polygon in one.polygons])
        assert shapely.is_valid_reason(shape) == "Valid Geometry"
        mask = label_map == one.id
        assert shape.area == mask.sum()
        assert len(one.polygons) == ndimage.label(mask)[1]
        assert all(shapely.LinearRing(polygon[0]).is_ccw for polygon in one.polygons)
        rows, columns = np.nonzero(mask)
        assert shapely.contains_xy(shape, columns + 0.5, rows + 0.5).all()


@pytest.mark.parametrize("name", [name for name in MAPS if not name.startswith("ids")])
def test_polygons_are_valid(name: str) -> None:
    assert_valid(MAPS[name])


@given(label_maps(max_side=9, highest_id=2))
def test_polygons_of_any_label_map_are_valid(drawn: LabelMap) -> None:
    assert_valid(drawn[0])


def test_corners_only_where_the_outline_turns() -> None:
    (one,) = outlines(np.pad(np.full((2, 50), 8), 3))
    assert one.id == 8
    assert one.polygons[0][0].tolist() == [[3, 3], [53, 3], [53, 5], [3, 5]]


def test_ids_come_in_their_order() -> None:
    assert [one.id for one in outlines([[9, 0, 2, 5]])] == [2, 5, 9]


def test_one_very_long_outline() -> None:
    comb = np.zeros((40, 4001), np.int32)
    comb[0] = 1
    comb[:, ::2] = 1
    np.testing.assert_array_equal(filled(comb), comb)


def test_a_volume_is_refused() -> None:
    with pytest.raises(ValueError, match=r"one plane, but the label map has shape \(2, 3, 4\)"):
        outlines(np.zeros((2, 3, 4), int))
