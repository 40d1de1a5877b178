import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import zarr

from cellseg_monai.data import read_label_map, read_pixels
from cellseg_monai.export import read_ome_zarr_labels, write_ome_zarr_labels
from cellseg_monai.label_maps import LabelMap
from tests.export.maps import MANY, MAPS, every_map


@every_map
def test_there_and_back(label_map: LabelMap, tmp_path: Path) -> None:
    write_ome_zarr_labels(tmp_path / "a.ome.zarr", label_map, chunk=32)
    np.testing.assert_array_equal(read_ome_zarr_labels(tmp_path / "a.ome.zarr").label_map, label_map)
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.ome.zarr"), label_map)


def test_more_cells_than_sixteen_bits_number(tmp_path: Path) -> None:
    write_ome_zarr_labels(tmp_path / "a.ome.zarr", MANY)
    np.testing.assert_array_equal(read_ome_zarr_labels(tmp_path / "a.ome.zarr").label_map, MANY)


def beside_an_image(path: Path) -> Path:
    image = np.random.default_rng(0).integers(0, 999, (2, 90, 140), np.uint16)
    table = pd.DataFrame({"class": ["Tumor", "Immune"], "area": [3.5, np.nan]}, index=[7, 14])
    write_ome_zarr_labels(
        path, MAPS["blobs"], table, image, "CYX", name="nuclei", pixel_size=(0.5, 0.25), chunk=64
    )
    np.testing.assert_array_equal(read_pixels(path), np.moveaxis(image, 0, -1))
    return path


def test_ome_zarr_reads_image_labels_sizes_and_colours(tmp_path: Path) -> None:
    reader = pytest.importorskip("ome_zarr.reader", reason="ome-zarr is not installed")
    io = pytest.importorskip("ome_zarr.io", reason="ome-zarr is not installed")
    path = beside_an_image(tmp_path / "a.ome.zarr")
    nodes = list(reader.Reader(io.parse_url(path))())
    labels = next(node for node in nodes if "color" in node.metadata)
    assert [level.shape for level in labels.data] == [(90, 140), (45, 70), (23, 35)]
    np.testing.assert_array_equal(np.asarray(labels.data[0]), MAPS["blobs"])
    np.testing.assert_array_equal(np.asarray(labels.data[1]), MAPS["blobs"][::2, ::2])
    assert {7, 14, 21} <= set(labels.metadata["color"])
    assert labels.metadata["properties"][7]["class"] == "Tumor"
    assert labels.metadata["coordinateTransformations"][1][0]["scale"] == [0.5, 1.0]


def test_metadata_are_those_of_ngff(tmp_path: Path) -> None:
    path = beside_an_image(tmp_path / "a.ome.zarr")
    assert json.loads((path / "labels/.zattrs").read_text()) == {"labels": ["nuclei"]}
    described = zarr.open_group(str(path / "labels/nuclei"), mode="r").attrs["image-label"]
    assert described["version"] == "0.4"
    assert described["source"] == {"image": "../../"}
    assert described["colors"][0] == {"label-value": 7, "rgba": [204, 121, 167, 255]}
    assert described["properties"] == [
        {"label-value": 7, "class": "Tumor", "area": 3.5},
        {"label-value": 14, "class": "Immune"},
    ]


def test_classes_and_measurements_come_back(tmp_path: Path) -> None:
    found = read_ome_zarr_labels(beside_an_image(tmp_path / "a.ome.zarr"))
    assert found.classes == {7: "Tumor", 14: "Immune"}
    assert found.table["area"].dropna().to_dict() == {7: 3.5}


def test_one_of_several_label_maps(tmp_path: Path) -> None:
    path = beside_an_image(tmp_path / "a.ome.zarr")
    write_ome_zarr_labels(path / "labels/cells", np.ones((90, 140), int))
    (path / "labels/.zattrs").write_text(json.dumps({"labels": ["nuclei", "cells"]}))
    assert read_ome_zarr_labels(path, "cells").label_map.max() == 1
    assert read_ome_zarr_labels(path, "nuclei").label_map.max() == 21
    with pytest.raises(ValueError, match="name must be one of its label maps, nuclei, cells, not None"):
        read_ome_zarr_labels(path)


def test_version_0_5_and_leading_axes(tmp_path: Path) -> None:
    if int(zarr.__version__.split(".")[0]) < 3:
        pytest.skip("version 0.5 needs zarr 3")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=3)
    group["0"] = np.array([[[[3, 0]]]], np.int32)
    axes = [{"name": axis} for axis in "czyx"]
    group.attrs["ome"] = {"version": "0.5", "multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}
    assert read_ome_zarr_labels(tmp_path / "a.zarr").label_map.tolist() == [[3, 0]]


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"image \(3, 3\) and labels \(2, 2\) differ in rows or columns"):
        write_ome_zarr_labels(tmp_path / "a.zarr", np.ones((2, 2), int), image=np.zeros((3, 3)))
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(ValueError, match=r"b\.zarr: "):
        read_ome_zarr_labels(tmp_path / "b.zarr")
    write_ome_zarr_labels(tmp_path / "c.zarr", [[1]])
    with pytest.raises(ValueError, match=r"c\.zarr: has no label map named x"):
        read_ome_zarr_labels(tmp_path / "c.zarr", "x")
    with pytest.raises(FileExistsError):
        write_ome_zarr_labels(tmp_path / "c.zarr", [[1]])
    write_ome_zarr_labels(tmp_path / "d.zarr", [[1]])
    zarr.open_group(str(tmp_path / "d.zarr"), mode="r+")["deep"] = np.ones((2, 3, 3), np.int32)
    metadata = json.loads((tmp_path / "d.zarr/.zattrs").read_text())
    metadata["multiscales"][0]["datasets"] = [{"path": "deep"}]
    (tmp_path / "d.zarr/.zattrs").write_text(json.dumps(metadata))
    with pytest.raises(
        ValueError, match=r"a label map must have one plane, but this one has shape \(2, 3, 3\)"
    ):
        read_ome_zarr_labels(tmp_path / "d.zarr")
