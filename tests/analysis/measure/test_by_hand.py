"""Shapes whose measures are known, and cells of which there is little to measure."""

import numpy as np
import pandas as pd
import pytest

from cellseg_monai.analysis import measure_cells
from tests.analysis.measure.cases import MAPS, disc


def only(table: pd.DataFrame) -> "pd.Series[float]":
    assert len(table) == 1
    return table.iloc[0]


def test_disc() -> None:
    cell = only(measure_cells(disc(50, 121), pixel_size=0.5))
    assert cell["area_um2"] == pytest.approx(np.pi * 25**2, rel=0.01)
    assert cell["perimeter_um"] == pytest.approx(2 * np.pi * 25, rel=0.06)
    assert cell["perimeter_crofton_um"] == pytest.approx(2 * np.pi * 25, rel=0.005)
    assert cell["major_axis_um"] == pytest.approx(50, rel=0.01)
    assert cell["minor_axis_um"] == pytest.approx(cell["major_axis_um"])
    assert cell["feret_max_um"] == pytest.approx(50, rel=0.02)
    assert cell["feret_min_um"] == pytest.approx(50, rel=0.02)
    assert cell["eccentricity"] == pytest.approx(0, abs=1e-6)
    assert cell["solidity"] == pytest.approx(1, abs=0.02)
    assert cell["circularity"] == pytest.approx(1, abs=0.02)
    assert (cell["centroid_x_px"], cell["centroid_y_um"]) == (60, 30)


def test_square() -> None:
    cell = only(measure_cells(np.pad(np.ones((10, 10), int), 3)))
    assert (cell["area_px2"], cell["perimeter_px"], cell["solidity"]) == (100, 36, 1)
    assert (cell["bbox_left_px"], cell["bbox_right_px"]) == (3, 13)
    assert cell["feret_min_px"] == pytest.approx(10)
    assert cell["feret_max_px"] == pytest.approx(np.hypot(10, 9))
    assert cell["major_axis_px"] == pytest.approx(4 * np.sqrt((10**2 - 1) / 12))
    assert not cell["touches_edge"]


def test_diamond_is_narrowest_across_its_sides() -> None:
    row, column = np.mgrid[-8:9, -8:9]
    cell = only(measure_cells((abs(row) + abs(column) <= 8).astype(int)))
    assert cell["feret_min_px"] == pytest.approx(17 / np.sqrt(2))
    assert cell["feret_max_px"] == pytest.approx(17)


@pytest.mark.parametrize("degrees", [0, 30, 45, 90, 120])
def test_line(degrees: float) -> None:
    """Its angle is that from the vertical; the length is what it is drawn with."""
    row, column = np.mgrid[-60:61, -60:61]
    angle = np.radians(degrees)
    along, aside = row * np.cos(angle) + column * np.sin(angle), row * np.sin(angle) - column * np.cos(angle)
    cell = only(measure_cells(((abs(along) <= 40) & (abs(aside) <= 1.5)).astype(int)))
    away = abs(cell["orientation_rad"] - angle) % np.pi
    assert min(away, np.pi - away) < 0.01
    assert cell["feret_max_px"] == pytest.approx(81, abs=2)
    assert cell["feret_min_px"] == pytest.approx(3.8, abs=1)
    assert cell["eccentricity"] > 0.99


def test_one_pixel() -> None:
    cell = only(measure_cells(MAPS["one pixel"], np.full((5, 5), 3.0), background_window=None))
    assert (cell["label"], cell["area_px2"], cell["perimeter_px"], cell["solidity"]) == (9, 1, 0, 1)
    assert (cell["major_axis_px"], cell["eccentricity"]) == (0, 0)
    assert (cell["feret_max_px"], cell["feret_min_px"]) == pytest.approx((1, np.sqrt(0.5)))
    assert (cell["intensity_std_ch0"], cell["corrected_sum_ch0"]) == (0, 0)


def test_hole_counts_in_the_hull_and_the_outline_not_in_the_area() -> None:
    ring = np.pad(np.ones((9, 9), int), 1)
    whole = only(measure_cells(ring))
    ring[4:7, 4:7] = 0
    cell = only(measure_cells(ring))
    assert (cell["area_px2"], whole["area_px2"]) == (72, 81)
    assert cell["solidity"] == 72 / 81
    assert cell["perimeter_px"] > whole["perimeter_px"]
    assert cell["pieces"] == 1


def test_split_id_is_one_row_that_says_so() -> None:
    cell = only(measure_cells(MAPS["split id"]))
    assert (cell["pieces"], cell["area_px2"], cell["bbox_right_px"]) == (2, 4, 5)
    assert cell["centroid_x_px"] == (0 + 1 + 4 + 4) / 4
    assert cell["touches_edge"]


@pytest.mark.parametrize("shape", [(6, 7), (0, 0), (0, 5), (5, 0)], ids=str)
def test_nothing_there(shape: tuple[int, int]) -> None:
    """The columns are the same, so that tables of several images fit together."""
    maps = {"image": np.zeros((2, *shape)), "classes": np.zeros(shape, int), "probability": np.zeros(shape)}
    empty = measure_cells(np.zeros(shape, np.uint8), **maps)
    some = measure_cells(
        np.eye(6, 7, dtype=int),
        np.zeros((2, 6, 7)),
        classes=np.zeros((6, 7), int),
        probability=np.zeros((6, 7)),
    )
    assert len(empty) == 0
    assert list(empty) == list(some)
    assert dict(empty.dtypes) == dict(some.dtypes)
