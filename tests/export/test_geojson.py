import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellseg_monai.export import read_geojson, write_geojson, write_geojson_boxes
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.polygons import fill
from tests.export.maps import MANY, MAPS, every_map

SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]


def feature(coordinates: Any, kind: str = "Polygon", **properties: Any) -> dict[str, Any]:
    geometry = {"type": kind, "coordinates": coordinates}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def save(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


@every_map
def test_there_and_back(label_map: LabelMap, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.geojson"
    write_geojson(path, label_map)
    np.testing.assert_array_equal(read_geojson(path).label_map, label_map)
    assert not caplog.messages


def test_more_cells_than_sixteen_bits_number(tmp_path: Path) -> None:
    write_geojson(tmp_path / "a.geojson", MANY)
    np.testing.assert_array_equal(read_geojson(tmp_path / "a.geojson").label_map, MANY)


def test_shapely_reads_the_same_pixels(tmp_path: Path) -> None:
    shapely = pytest.importorskip("shapely", reason="shapely is not installed")
    blobs = MAPS["blobs"]
    write_geojson(tmp_path / "a.geojson", blobs)
    collection = json.loads((tmp_path / "a.geojson").read_text())
    rows, columns = np.indices(blobs.shape)
    drawn = np.zeros_like(blobs)
    for one in collection["features"]:
        shape = shapely.from_geojson(json.dumps(one["geometry"]))
        assert shape.is_valid
        drawn[shapely.contains_xy(shape, columns + 0.5, rows + 0.5)] = one["properties"]["label"]
    np.testing.assert_array_equal(drawn, blobs)


def test_qupath_finds_what_it_looks_for(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "class": ["Tumor", None, "Immune"],
            "area": [3, 2, 1],
            "mean": [0.5, np.nan, np.inf],
            "good": [True, pd.NA, None],
            "well": ["A1"] * 3,
        },
        index=[1, 2, 3],
    )
    write_geojson(
        tmp_path / "a.geojson", [[1, 1, 1, 0], [2, 2, 0, 3], [0, 0, 2, 0]], table, object_type="annotation"
    )
    collection = json.loads((tmp_path / "a.geojson").read_text())
    assert collection["type"] == "FeatureCollection"
    first, second, third = (one["properties"] for one in collection["features"])
    assert first == {
        "objectType": "annotation",
        "name": "1",
        "label": 1,
        "classification": {"name": "Tumor", "color": [86, 180, 233]},
        "measurements": {"area": 3, "mean": 0.5, "good": 1},
        "metadata": {"well": "A1"},
    }
    assert "classification" not in second
    assert second["measurements"] == {"area": 2}
    assert third["measurements"] == {"area": 1}
    kinds = [one["geometry"]["type"] for one in collection["features"]]
    assert kinds == ["Polygon", "MultiPolygon", "Polygon"]


def test_classes_and_measurements_come_back(tmp_path: Path) -> None:
    table = pd.DataFrame({"class": ["Tumor", "Immune"], "area": [3, 2], "mean": [0.5, 0.25]}, index=[1, 7])
    write_geojson(tmp_path / "a.geojson", [[1, 7]], table)
    found = read_geojson(tmp_path / "a.geojson")
    pd.testing.assert_frame_equal(found.table, table)
    assert found.classes == {1: "Tumor", 7: "Immune"}


def test_a_row_missing_from_the_table_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_geojson(tmp_path / "a.geojson", [[1, 7]], pd.DataFrame({"area": [3, 4]}, index=[1, 99]))
    assert "1 of 2 objects have no row in the table" in caplog.text
    with pytest.raises(ValueError, match="several rows for id 1"):
        write_geojson(tmp_path / "a.geojson", [[1]], pd.DataFrame({"area": [3, 4]}, index=[1, 1]))


def test_object_type_is_one_of_two(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'detection' or 'annotation', not 'cell'"):
        write_geojson(tmp_path / "a.geojson", [[1]], object_type="cell")  # type: ignore[arg-type]


class TestFilesOfOthers:
    """What QuPath writes: no size, its own ids, shapes drawn by hand, other kinds of objects."""

    def test_edited_in_qupath(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        old = [{"name": "Area", "value": 4.0}]
        content = [
            feature([SQUARE], name="5", classification={"names": ["Tumor", "Positive"]}),
            feature([[[2.2, 0.2], [5.9, 0.4], [4.1, 2.8], [2.2, 0.2]]], measurements=old),
            feature([1, 1], "Point"),
        ]
        found = read_geojson(save(tmp_path / "a.geojson", content), shape=(3, 7))
        assert found.label_map.tolist() == [
            [5, 5, 6, 6, 6, 6, 0],
            [5, 5, 0, 6, 6, 0, 0],
            [0, 0, 0, 0, 0, 0, 0],
        ]
        assert found.table.to_dict("index")[6]["Area"] == 4.0
        assert found.classes == {5: "Tumor: Positive"}
        assert "1 of 3 shapes have no area (1 Point)" in caplog.text
        assert "1 objects have no id" in caplog.text

    def test_size_unknown(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        path = save(tmp_path / "a.geojson", feature([SQUARE], label=3))
        assert read_geojson(path).label_map.shape == (2, 2)
        assert "assuming 2 rows, 2 columns" in caplog.text
        empty = save(tmp_path / "b.geojson", {"type": "FeatureCollection", "features": []})
        assert read_geojson(empty, (4, 6)).label_map.shape == (4, 6)
        with pytest.raises(ValueError, match="neither objects nor an image size; give the size"):
            read_geojson(empty)

    def test_overlap_and_overhang_and_doubles(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        wide = [[[0, 0], [5, 0], [5, 1], [0, 1], [0, 0]]]
        content = [feature([SQUARE], label=1), feature(wide, label=2), feature([SQUARE], label=1)]
        found = read_geojson(save(tmp_path / "a.geojson", content), (2, 3))
        assert found.label_map.tolist() == [[2, 2, 2], [1, 1, 0]]
        for message in (
            "2 pixels lie in more than one object",
            "extend beyond the image of (2, 3)",
            "1 objects repeat the id of another",
        ):
            assert message in caplog.text

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("{", "a.geojson: cannot be read"),
            ('{"type": "Topology"}', "a.geojson: is not a GeoJSON file of features"),
            ("[1]", "a.geojson: is not a GeoJSON file of features"),
            (json.dumps(feature([["a"]])), "a.geojson: a polygon is not a list of rings"),
            (
                json.dumps({"features": [], "shape": [3, 4]}),
                r"made for an image with shape \(3, 4\), not",
            ),
        ],
        ids=["damaged", "another format", "a list of something", "malformed", "another size"],
    )
    def test_refusals(self, content: str, message: str, tmp_path: Path) -> None:
        (tmp_path / "a.geojson").write_text(content)
        with pytest.raises(ValueError, match=message):
            read_geojson(tmp_path / "a.geojson", (2, 2))


def test_lost_objects_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    speck = [[[0.6, 0.6], [0.9, 0.6], [0.9, 0.9], [0.6, 0.6]]]
    with caplog.at_level(logging.WARNING):
        read_geojson(save(tmp_path / "a.geojson", feature(speck, label=8)), (2, 2))
    assert "1 objects have no pixel left: 8" in caplog.text
    assert fill([], (1, 1)).label_map.tolist() == [[0]]


def test_rectangles_with_the_same_colours_in_every_file(tmp_path: Path) -> None:
    found = []
    for kind in ("extra", "missing"):
        table = pd.DataFrame({"class": [kind, "extra"], "confidence": [0.5, 1.0]}, index=["4", "7"])
        boxes = [(1, 2, 3, 1), (0, 0, 1, 1)]
        write_geojson_boxes(tmp_path / kind, boxes, table, (4, 6), ["missing", "extra"])
        found.append([one["properties"] for one in json.loads((tmp_path / kind).read_text())["features"]])
    assert [one["name"] for one in found[0]] == ["4", "7"]
    assert found[0][0]["measurements"] == {"confidence": 0.5}
    assert found[0][1]["classification"] == found[1][1]["classification"]
    assert found[0][0]["classification"]["color"] != found[1][0]["classification"]["color"]
    drawn = np.zeros((4, 6), int)
    drawn[2, 1:4], drawn[0, 0] = 4, 7
    np.testing.assert_array_equal(read_geojson(tmp_path / "extra").label_map, drawn)
