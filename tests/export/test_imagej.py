from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import roifile
from scipy import ndimage

from cellseg_monai.export import read_rois, write_rois
from cellseg_monai.label_maps import LabelMap
from tests.export.maps import MANY, MAPS, every_map


@every_map
def test_there_and_back(label_map: LabelMap, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_rois(tmp_path / "a.zip", label_map)
    np.testing.assert_array_equal(read_rois(tmp_path / "a.zip").label_map, label_map)
    assert not caplog.messages


@pytest.mark.slow
def test_more_cells_than_sixteen_bits_number(tmp_path: Path) -> None:
    write_rois(tmp_path / "a.zip", MANY)
    np.testing.assert_array_equal(read_rois(tmp_path / "a.zip").label_map, MANY)


def area(region: Any) -> float:
    """By the shoelace formula, of all rings: holes run the other way round."""
    total = 0.0
    for ring in region.coordinates(multi=True):
        x, y = np.asarray(ring, float).T
        total += (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2
    return total


def test_roifile_reads_ids_and_areas(tmp_path: Path) -> None:
    blobs = ndimage.label(MAPS["blobs"] == 7)[0].astype(np.int32)
    write_rois(tmp_path / "a.zip", blobs)
    regions = roifile.roiread(tmp_path / "a.zip")
    assert {int(one.name): area(one) for one in regions} == {
        number: float((blobs == number).sum()) for number in range(1, blobs.max() + 1)
    }
    assert [one.name for one in regions] == sorted(one.name for one in regions)


def test_a_simple_object_is_traced_and_any_other_composite(tmp_path: Path) -> None:
    write_rois(tmp_path / "a.zip", np.pad(MAPS["hole"], ((0, 0), (2, 2)), constant_values=((0, 0), (5, 9))))
    one, five, nine = roifile.roiread(tmp_path / "a.zip")
    assert [region.name for region in (one, five, nine)] == ["1", "5", "9"]
    assert [region.roitype.name for region in (five, nine)] == ["TRACED", "TRACED"]
    assert one.composite
    assert (one.left, one.top, one.right, one.bottom) == (2, 0, 5, 3)


def test_beyond_what_sixteen_bits_tell(tmp_path: Path) -> None:
    wide = np.zeros((4, 70_000), np.int32)
    wide[1:3, 33_000:69_000] = 2
    wide[0, 69_500:69_600] = 3
    wide[:, 32_700:32_800] = 4
    write_rois(tmp_path / "a.zip", wide)
    np.testing.assert_array_equal(read_rois(tmp_path / "a.zip").label_map, wide)


def test_the_same_objects_are_the_same_file(tmp_path: Path) -> None:
    for name in "ab":
        write_rois(tmp_path / f"{name}.zip", MAPS["blobs"])
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def region(kind: str, left: int, top: int, right: int, bottom: int, name: str) -> Any:
    made = roifile.ImagejRoi()
    made.roitype = roifile.ROI_TYPE[kind]
    made.left, made.top, made.right, made.bottom, made.name = left, top, right, bottom, name
    return made


class TestFilesOfImageJ:
    """No size, names of ImageJ's own, rectangles, ovals and lines."""

    def test_kinds(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        drawn = [
            region("RECT", 0, 0, 2, 3, "0002-0001"),
            region("OVAL", 3, 0, 10, 7, "12"),
            region("LINE", 0, 0, 5, 5, "line"),
        ]
        roifile.roiwrite(tmp_path / "a.zip", drawn)
        found = read_rois(tmp_path / "a.zip", (8, 11)).label_map
        assert (found[:3, :2] == 13).all()
        assert (found == 13).sum() == 6
        rows, columns = np.indices((8, 11)) + 0.5
        disc = (rows - 3.5) ** 2 + (columns - 6.5) ** 2 < 3.5**2
        assert ((found == 12) == disc).mean() > 0.95
        assert "1 of 3 shapes have no area (1 line)" in caplog.text
        assert "1 objects have no id" in caplog.text

    def test_a_single_region(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        polygon = roifile.ImagejRoi.frompoints([[1.0, 1.0], [4.0, 1.0], [1.0, 4.0]])
        polygon.tofile(tmp_path / "7.roi")
        assert read_rois(tmp_path / "7.roi", (4, 4)).label_map.tolist() == [
            [0, 0, 0, 0],
            [0, 7, 7, 0],
            [0, 7, 0, 0],
            [0, 0, 0, 0],
        ]
        assert read_rois(tmp_path / "7.roi").label_map.shape == (4, 4)
        assert "has no image size" in caplog.text

    def test_refusals(self, tmp_path: Path) -> None:
        (tmp_path / "a.zip").write_bytes(b"no zip")
        with pytest.raises(ValueError, match=r"a\.zip: cannot be read"):
            read_rois(tmp_path / "a.zip")
        with ZipFile(tmp_path / "b.zip", "w") as file:
            file.writestr("a.txt", "text")
        with pytest.raises(ValueError, match="contains no ImageJ region"):
            read_rois(tmp_path / "b.zip", (3, 3))
        write_rois(tmp_path / "c.zip", [[1, 2]])
        with pytest.raises(ValueError, match=r"made for an image with shape \(1, 2\), not \(3, 3\)"):
            read_rois(tmp_path / "c.zip", (3, 3))
