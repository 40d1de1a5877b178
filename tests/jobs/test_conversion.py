"""``cellseg convert`` as a user types it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
import zarr
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.data import read_label_map, read_picture, write_synthetic_dataset
from cellseg_monai.export import (
    Objects,
    read_geojson,
    read_ome_zarr_labels,
    write_coco,
    write_geojson,
    write_label_tiff,
    write_rois,
)
from cellseg_monai.jobs import FORMATS, convert
from cellseg_monai.jobs.files.inputs import find_label_maps

CELLS = {"a": np.array([[1, 1, 0, 9], [1, 0, 70_000, 9]]), "day1/b": np.array([[0, 3, 3]])}


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    folder = tmp_path / "result"
    for name, cells in CELLS.items():
        (folder / "labels" / name).parent.mkdir(parents=True, exist_ok=True)
        write_label_tiff(folder / f"labels/{name}.tif", cells)
    return folder


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for name, cells in CELLS.items():
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = np.arange(2 * cells.size, dtype=np.uint16).reshape(2, *cells.shape)
        tifffile.imwrite(
            tmp_path / f"images/{name}.tif", pixels, photometric="minisblack", metadata={"axes": "CYX"},
            resolution=(2e4, 4e4), resolutionunit="CENTIMETER",
        )  # fmt: skip
    return tmp_path / "images"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = {
        "image": ["a.tif", "a.tif", "day1/b.png"],
        "label": [1, 9, 3],
        "class": ["x", "y", "x"],
        "area": [3, 2, 2],
    }
    pd.DataFrame(rows).to_csv(tmp_path / "cells.csv", index=False)
    return tmp_path / "cells.csv"


@pytest.mark.parametrize("to", ["geojson", "rois", "ome-zarr", "coco", "tiff"])
def test_there_and_back(to: str, labels: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    if to == "rois":
        pytest.importorskip("roifile", reason="roifile is not installed")
    there, back = tmp_path / "there", tmp_path / "back"
    assert main(["convert", str(labels), "--to", to, "--out", str(there)]) == 0
    assert main(["convert", str(there), "--to", "tiff", "--out", str(back)]) == 0
    for name, cells in CELLS.items():
        np.testing.assert_array_equal(read_label_map(back / f"{name}.tif"), cells)
    assert not caplog.messages


def test_files_have_the_names_of_the_label_maps(labels: Path, tmp_path: Path) -> None:
    for to, ending in FORMATS.items():
        written = convert([labels], to, tmp_path / to).written
        names = ["coco.json"] if to == "coco" else [f"{name}{ending}" for name in CELLS]
        assert [path.relative_to(tmp_path / to).as_posix() for path in written] == names


def test_a_bad_file_is_told_and_the_others_are_done(
    labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (labels / "labels/bad.tif").write_bytes(b"no image")
    for to in ("geojson", "coco"):
        assert main(["convert", str(labels), "--to", to, "--out", str(tmp_path / "out")]) == 1
        assert "labels/bad.tif: ValueError" in capsys.readouterr().out
    assert (tmp_path / "out/day1/b.geojson").is_file()
    assert len(json.loads((tmp_path / "out/coco.json").read_text())["images"]) == 2


class TestImages:
    """What --images adds."""

    def test_size_of_what_others_wrote(
        self, labels: Path, images: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
        (tmp_path / "a.geojson").write_text(
            json.dumps([{"type": "Feature", "geometry": square, "properties": {"label": 4}}])
        )
        convert([tmp_path / "a.geojson"], "tiff", tmp_path / "out", images=images)
        assert read_label_map(tmp_path / "out/a.tif").tolist() == [[4, 0, 0, 0], [0] * 4]
        assert read_picture(tmp_path / "out/a.tif").pixel_size == pytest.approx((0.5, 0.25))
        assert not caplog.messages

    def test_another_size_or_no_image_is_a_failure(self, images: Path, tmp_path: Path) -> None:
        write_label_tiff(tmp_path / "a.tif", np.ones((3, 3), int))
        write_label_tiff(tmp_path / "c.tif", np.ones((3, 3), int))
        made = convert([tmp_path / "a.tif", tmp_path / "c.tif"], "geojson", tmp_path / "out", images=images)
        assert not made.written
        first, second = (reason for _, reason in made.failures)
        assert "image (2, 4) and label map (3, 3) differ in rows or columns" in first
        assert "there is no image named c" in second

    def test_ome_zarr_holds_the_image(self, labels: Path, images: Path, tmp_path: Path) -> None:
        convert([labels], "ome-zarr", tmp_path / "out", images=images)
        group = zarr.open_group(str(tmp_path / "out/a.ome.zarr"), mode="r")
        np.testing.assert_array_equal(group["0"], tifffile.imread(images / "a.tif"))
        np.testing.assert_array_equal(group["labels/cells/0"], CELLS["a"])
        scale = group.attrs["multiscales"][0]["datasets"][0]["coordinateTransformations"][0]["scale"]
        assert scale == pytest.approx([1, 0.25, 0.5])

    def test_overlay_is_drawn_on_it(self, labels: Path, images: Path, tmp_path: Path) -> None:
        with_image = convert([labels], "overlay", tmp_path / "with", images=images).written[0]
        without = convert([labels], "overlay", tmp_path / "without").written[0]
        one, other = (np.asarray(Image.open(path)) for path in (with_image, without))
        assert one.shape == other.shape == (2, 4, 3)
        assert other[0, 2].tolist() == [0, 0, 0] != one[0, 2].tolist()
        np.testing.assert_array_equal(one[0, 3], other[0, 3])

    def test_coco_has_its_file_name(self, labels: Path, images: Path, tmp_path: Path) -> None:
        convert([labels], "coco", tmp_path / "out", images=images)
        content = json.loads((tmp_path / "out/coco.json").read_text())
        assert [image["file_name"] for image in content["images"]] == ["a.tif", "b.tif"]


SQUARE = '<polygon label="x" points="0,0;2,0;2,1;0,1"/>'
ANNOTATIONS = {
    "a.json": json.dumps(
        {
            "shapes": [{"label": "x", "points": [[0, 0], [2, 0], [2, 1], [0, 1]]}],
            "imagePath": "a.tif",
            "imageHeight": 2,
            "imageWidth": 4,
        }
    ),
    "annotations.xml": "<annotations>"
    f'<image name="a.tif" width="4" height="2">{SQUARE}</image></annotations>',
    "a.csv": "index,shape-type,vertex-index,axis-0,axis-1\n"
    "0,polygon,0,-0.5,-0.5\n0,polygon,1,-0.5,1.5\n0,polygon,2,0.5,1.5\n0,polygon,3,0.5,-0.5\n",
}


class TestAnnotations:
    """Outlines of annotation tools are inputs like those that this package writes."""

    @pytest.mark.parametrize("name", ANNOTATIONS)
    @pytest.mark.parametrize("alone", [True, False], ids=["file", "folder"])
    def test_to_tiff(self, name: str, alone: bool, images: Path, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()
        (tmp_path / "in" / name).write_text(ANNOTATIONS[name])
        given = tmp_path / "in" / name if alone else tmp_path / "in"
        made = convert([given], "tiff", tmp_path / "out", images=images)
        assert not made.failures
        assert read_label_map(tmp_path / "out/a.tif").tolist() == [[1, 1, 0, 0], [0] * 4]

    def test_classes_go_to_qupath(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text(ANNOTATIONS["a.json"])
        convert([tmp_path / "a.json"], "geojson", tmp_path / "out")
        assert read_geojson(tmp_path / "out/a.geojson").classes == {1: "x"}


class TestTable:
    """What --measurements adds, and where it is lost."""

    def test_to_qupath_and_napari(
        self, labels: Path, table: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        convert([labels], "geojson", tmp_path / "out", measurements=table)
        convert([labels], "ome-zarr", tmp_path / "out", measurements=table)
        for found in (
            read_geojson(tmp_path / "out/a.geojson"),
            read_ome_zarr_labels(tmp_path / "out/a.ome.zarr"),
        ):
            assert found.table.to_dict("index") == {
                1: {"class": "x", "area": 3},
                9: {"class": "y", "area": 2},
            }
        assert read_geojson(tmp_path / "out/day1/b.geojson").classes == {3: "x"}
        assert "a.geojson: 1 of 3 objects have no row in the table" in caplog.text

    @pytest.mark.parametrize(
        ("to", "message"),
        [
            ("tiff", "a: tiff cannot store class, area; left out"),
            ("coco", "a: coco cannot store area; left out"),
        ],
    )
    def test_losses_are_told(
        self, to: str, message: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        known = pd.DataFrame({"class": ["x"], "area": [1]}, index=[1])
        write_geojson(tmp_path / "a.geojson", [[1]], known)
        convert([tmp_path / "a.geojson"], to, tmp_path / "out")
        assert message in caplog.text

    def test_it_replaces_what_the_file_tells(self, tmp_path: Path) -> None:
        write_geojson(tmp_path / "a.geojson", [[1]], pd.DataFrame({"class": ["x"], "area": [1]}, index=[1]))
        pd.DataFrame({"id": [1], "class": ["y"]}).to_csv(tmp_path / "t.csv", index=False)
        convert([tmp_path / "a.geojson"], "geojson", tmp_path / "out", measurements=tmp_path / "t.csv")
        found = read_geojson(tmp_path / "out/a.geojson").table
        assert found.to_dict("index") == {1: {"class": "y", "area": 1}}

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("image,cell\na,1\n", "there is no column 'label'"),
            ("label,area\n1,2\n", "no column 'image'; several label maps need one"),
            ("image,label\na,1.5\n", "must contain whole numbers"),
        ],
        ids=["ids", "images", "fractions"],
    )
    def test_refusals(self, text: str, message: str, labels: Path, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text(text)
        with pytest.raises(ValueError, match=message):
            convert([labels], "geojson", tmp_path / "out", measurements=tmp_path / "t.csv")

    def test_no_row_is_a_failure(self, labels: Path, tmp_path: Path) -> None:
        (tmp_path / "t.csv").write_text("image,label,area\na,1,2\n")
        made = convert([labels], "geojson", tmp_path / "out", measurements=tmp_path / "t.csv")
        assert [path.name for path in made.written] == ["a.geojson"]
        assert "there is no row for the image day1/b" in made.failures[0][1]


class TestInputs:
    """How inputs are named and told apart."""

    def test_kinds(self, tmp_path: Path) -> None:
        pytest.importorskip("roifile", reason="roifile is not installed")
        write_label_tiff(tmp_path / "t_mask.tif", [[1, 2]])
        write_geojson(tmp_path / "g.json", [[1, 2]])
        write_rois(tmp_path / "z.zip", [[1, 2]])
        write_coco(tmp_path / "c.json", [("day/c.png", Objects(np.array([[1, 2]], np.int32)))])
        (tmp_path / "t.tif").write_bytes((tmp_path / "t_mask.tif").read_bytes())  # the image
        written = convert([tmp_path], "tiff", tmp_path / "out").written
        names = sorted(path.relative_to(tmp_path / "out").as_posix() for path in written)
        assert names == ["day/c.tif", "g.tif", "t.tif", "z.tif"]

    def test_dataset_and_pattern(self, tmp_path: Path) -> None:
        dataset = write_synthetic_dataset("nuclei", tmp_path / "set", count=2, size=(32, 48))
        expected = ["nuclei_000", "nuclei_001"]
        for given in (dataset, tmp_path / "set", tmp_path / "set/labels", f"{tmp_path}/set/labels/*.tif"):
            assert sorted(find_label_maps([given])) == expected
        assert len(find_label_maps([dataset, tmp_path / "set/labels"])) == 2

    @pytest.mark.parametrize(
        ("inputs", "message"),
        [
            (["nowhere"], "nowhere: there is no such file or folder"),
            (["nowhere/*.tif"], r"nowhere/\*.tif: the pattern matches no file"),
            (["empty"], "empty: there is no label map here"),
            (["a.tif", "a.png"], r"a.tif and a.png have the same name; process them in two runs"),
        ],
        ids=["absent", "empty pattern", "empty folder", "twins"],
    )
    def test_refusals(
        self, inputs: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        Path("empty").mkdir()
        for name in ("a.tif", "a.png"):
            Path(name).write_bytes(b"")
        with pytest.raises((FileNotFoundError, ValueError), match=message):
            convert(inputs, "geojson", tmp_path / "out")
        assert not (tmp_path / "out").exists()

    def test_an_input_is_not_written_over(self, labels: Path) -> None:
        before = (labels / "labels/a.tif").read_bytes()
        with pytest.raises(
            ValueError, match=r"labels contains the input .*a\.tif; choose another output folder"
        ):
            convert([labels], "tiff", labels / "labels")
        assert (labels / "labels/a.tif").read_bytes() == before

    def test_options_that_cannot_be_meant(self, labels: Path, table: Path, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="there is no format 'svg'; choose one of geojson, rois"):
            convert([labels], "svg", tmp_path / "out")
        with pytest.raises(ValueError, match="rois cannot store measurements; choose geojson or ome-zarr"):
            convert([labels], "rois", tmp_path / "out", measurements=table)


@pytest.mark.parametrize(
    ("source", "folder"), [("real_images", "nuclei/field"), ("real_data", "tasks/phase/train")]
)
def test_real_masks_come_back(
    request: pytest.FixtureRequest, source: str, folder: str, tmp_path: Path
) -> None:
    masks = sorted((request.getfixturevalue(source) / folder / "masks").glob("*.png"))[:1]
    made = convert(masks, "geojson", tmp_path)
    found = read_geojson(made.written[0]).label_map
    np.testing.assert_array_equal(found, read_label_map(masks[0]))
