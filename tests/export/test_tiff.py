from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellseg_monai.data import read_label_map, read_picture
from cellseg_monai.export import write_label_tiff
from cellseg_monai.label_maps import LabelMap
from tests.export.maps import every_map


@every_map
def test_there_and_back(label_map: LabelMap, tmp_path: Path) -> None:
    write_label_tiff(tmp_path / "a.tif", label_map)
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.tif"), label_map)


@pytest.mark.parametrize(("highest", "dtype"), [(0, "uint16"), (65_535, "uint16"), (65_536, "int32")])
def test_sixteen_bits_as_long_as_they_hold_the_ids(highest: int, dtype: str, tmp_path: Path) -> None:
    write_label_tiff(tmp_path / "a.tif", [[highest]])
    assert tifffile.imread(tmp_path / "a.tif").dtype == dtype


def test_size_of_a_pixel(tmp_path: Path) -> None:
    write_label_tiff(tmp_path / "a.tif", [[1]], pixel_size=(0.5, 0.25))
    assert read_picture(tmp_path / "a.tif", "label").pixel_size == pytest.approx((0.5, 0.25))
    write_label_tiff(tmp_path / "b.tif", [[1]], pixel_size=(np.nan, 0.25))
    assert read_picture(tmp_path / "b.tif", "label").pixel_size is None
