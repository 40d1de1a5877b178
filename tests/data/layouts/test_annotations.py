"""A folder of annotations of any tools becomes a dataset; what is lost or wrong is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
import tifffile

from cellseg_monai.cli import main
from cellseg_monai.data import check_dataset, import_dataset, list_items

Run = Callable[[str], Any]
Put = Callable[..., Path]

SHAPE = (6, 8)
LEFT, RIGHT = [[1, 1], [4, 1], [4, 4], [1, 4]], [[4, 1], [7, 1], [7, 4], [4, 4]]
"""Two cells that touch, as x and y from the corner of the first pixel."""

CELLS = np.zeros(SHAPE, np.int32)
CELLS[1:4, 1:4], CELLS[1:4, 4:7] = 1, 2


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, SHAPE)


def rois(path: Path, *corners: Any) -> None:
    regions = [
        roifile.ImagejRoi.frompoints(np.array(one, np.float32), name=f"{place:04}-0001")
        for place, one in enumerate(corners)
    ]
    roifile.roiwrite(path, regions)


def geojson(*corners: Any) -> str:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": [[*one, one[0]]]},
            "properties": {"objectType": "annotation", "classification": {"name": kind}},
        }
        for one, kind in zip(corners, ("Tumor", "Immune cells"), strict=False)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features})


def labelme(image: str) -> str:
    shapes = [{"label": "Tumor", "points": one, "shape_type": "polygon"} for one in (LEFT, RIGHT)]
    return json.dumps({"shapes": shapes, "imagePath": image, "imageHeight": SHAPE[0], "imageWidth": SHAPE[1]})


def coco(image: str, *corners: Any) -> str:
    return json.dumps(
        {
            "images": [{"id": 1, "file_name": image, "height": SHAPE[0], "width": SHAPE[1]}],
            "categories": [{"id": 1, "name": "cell"}],
            "annotations": [
                {"id": place, "image_id": 1, "category_id": 1, "segmentation": [np.ravel(one).tolist()]}
                for place, one in enumerate(corners, start=1)
            ],
        }
    )


def cvat(image: str) -> str:
    shapes = "".join(
        f'<polygon label="Immune cells" points="{";".join(f"{x},{y}" for x, y in one)}"/>'
        for one in (LEFT, RIGHT)
    )
    head = f'<image id="0" name="{image}" width="{SHAPE[1]}" height="{SHAPE[0]}">'
    return f"<annotations><version>1.1</version>{head}{shapes}</image></annotations>"


def shapes_csv() -> str:
    rows = [
        f"{number},polygon,{place},{y - 0.5},{x - 0.5}"
        for number, one in enumerate((LEFT, RIGHT))
        for place, (x, y) in enumerate(one)
    ]
    return "\n".join(["index,shape-type,vertex-index,axis-0,axis-1", *rows, ""])


@pytest.fixture
def mixed(put: Put, source: Path) -> None:
    """One image of each tool, and one without annotations."""
    for name in ("fiji", "lone", "qupath", "labelme", "coco", "cvat", "napari", "cellpose", "ids", "without"):
        put(f"{name}.tif", picture(sum(map(ord, name))))
    rois(source / "RoiSet_fiji.zip", LEFT, RIGHT)
    (source / "lone").mkdir()
    for place, one in enumerate((LEFT, RIGHT)):
        roifile.ImagejRoi.frompoints(np.array(one, np.float32)).tofile(source / f"lone/000{place}-0001.roi")
    put("outlines/qupath.tif.geojson", geojson(LEFT, RIGHT))
    put("labelme.json", labelme("..\\photos\\labelme.tif"))
    put("instances_default.json", coco("coco.tif", LEFT, RIGHT))
    put("annotations.xml", cvat("images/cvat.tif"))
    put("napari.csv", shapes_csv())
    np.save(source / "cellpose_seg.npy", {"masks": CELLS.astype(np.uint16), "filename": "cellpose.tif"})
    put("masks/ids.png", CELLS)


@pytest.mark.usefixtures("mixed")
def test_each_tool_gives_the_same_cells(run: Run) -> None:
    imported = run("annotations")
    assert imported.report.imported == {"training": 9, "unlabelled": 1}
    assert not imported.report.failures
    for item in imported.dataset["training"]:
        np.testing.assert_array_equal(imported.label(Path(item["label"]).stem), CELLS, item["label"])
    assert imported.dataset["unlabelled"] == [{"image": "images/without.tif"}]
    text = str(imported.report)
    assert (
        "18 objects, from COCO (1), CVAT for images (1), Cellpose (1), GeoJSON (1), ImageJ regions (2)"
        in text
    )
    assert not imported.report.notes
    assert len(list_items(imported.folder)) == 9


@pytest.mark.usefixtures("mixed")
def test_classes_are_kept(run: Run) -> None:
    imported = run("annotations")
    codes = {name: int(code) for code, name in imported.dataset["classes"].items()}
    assert set(codes) == {"Tumor", "Immune cells"}
    by_name = {Path(item["image"]).stem: item.get("class_map") for item in imported.dataset["training"]}
    assert {name for name, path in by_name.items() if path} == {"qupath", "labelme", "cvat"}
    classes = tifffile.imread(imported.folder / by_name["qupath"])
    assert (classes[CELLS == 1] == codes["Tumor"]).all()
    assert (classes[CELLS == 2] == codes["Immune cells"]).all()
    assert not classes[CELLS == 0].any()


@pytest.mark.usefixtures("mixed")
def test_command(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "import", "annotations", str(source), str(tmp_path / "made")]) == 0
    assert "dataset.json: 9 training, 1 unlabelled\n18 objects, from" in capsys.readouterr().out
    report = check_dataset(tmp_path / "made")
    assert not report.failed
    assert report.summary()["objects"] == 18


def test_only_image_takes_annotations_of_any_name(run: Run, put: Put, source: Path) -> None:
    for folder in ("day1", "day2"):
        put(f"{folder}/cells.tif", picture())
        rois(source / folder / "RoiSet.zip", LEFT, RIGHT)
    imported = run("annotations")
    np.testing.assert_array_equal(imported.label("day2_cells"), CELLS)
    assert imported.report.notes[0] == "day1_cells: RoiSet.zip belongs to it, since there is no other image"


def test_what_is_lost_is_told(run: Run, put: Put) -> None:
    put("a.tif", picture())
    speck = [[5.6, 4.6], [5.9, 4.6], [5.9, 4.9], [5.6, 4.9]]
    put("a.geojson", geojson([[2, 0], [12, 0], [12, 3], [2, 3]], [[1, 0], [3, 0], [3, 2], [1, 2]]))
    put("b.tif", picture())
    put("b.csv", shapes_csv().replace("1,polygon", "1,path"))
    put("c.tif", picture())
    put("c_x.json", coco("c.tif", LEFT, speck))
    put("d.tif", picture())
    put("d_x.json", coco("d.tif"))
    text = str(run("annotations").report)
    for note in (
        "a: 1 objects extend beyond the image of (6, 8) and are cut off there",
        "a: 2 pixels lie in more than one object; the smallest object keeps them",
        "b: 1 of 2 shapes have no area (1 path) and are skipped",
        "c: 1 objects have no pixel left: 2",
        "d: d_x.json has no objects for it, so it counts as an image without cells",
    ):
        assert note in text


def test_import_into_the_folder_of_the_annotations_can_be_repeated(put: Put, source: Path) -> None:
    put("a.tif", picture())
    put("a.geojson", geojson(LEFT))
    for name in ("one", "two"):
        assert import_dataset("annotations", source, source / name).imported == {"training": 1}


def test_black_and_white_mask(run: Run, put: Put) -> None:
    put("images/a.tif", picture())
    put("masks/a.png", np.where(CELLS, 255, 0))
    assert "a: the mask is black and white, so its cells are one object" in str(run("annotations").report)


def test_hole(run: Run, put: Put) -> None:
    put("a.tif", picture())
    ring = [[1, 1], [7, 1], [7, 5], [1, 5], [1, 1]]
    hole = [[3, 2], [5, 2], [5, 4], [3, 4], [3, 2]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring, hole]},
        "properties": {},
    }
    put("a.geojson", json.dumps(feature))
    expected = np.zeros(SHAPE, int)
    expected[1:5, 1:7], expected[2:4, 3:5] = 1, 0
    np.testing.assert_array_equal(run("annotations").label("a"), expected)


def test_masks_of_cellpose_precede_its_file(run: Run, put: Put, source: Path) -> None:
    put("a.tif", picture())
    put("a_cp_masks.png", CELLS * 5)
    put("a_flows.tif", picture())
    np.save(source / "a_seg.npy", {"masks": CELLS})
    imported = run("annotations")
    np.testing.assert_array_equal(imported.label("a"), CELLS * 5)
    assert imported.report.imported == {"training": 1}


def test_refusals(run: Run, put: Put, source: Path) -> None:
    put("good.tif", picture())
    put("good.geojson", geojson(LEFT))
    put("twice.tif", picture())
    put("twice.geojson", geojson(LEFT))
    put("twice.csv", shapes_csv())
    put("size.tif", np.zeros((9, 9)))
    put("size.json", labelme("size.tif"))
    put("orphan.geojson", geojson(LEFT))
    put("list.json", coco("absent.tif", LEFT))
    put("broken.json", "{")
    put("broken.zip", "no zip")
    put("slide.vsi", b"II")
    put("results.csv", "label,area\n1,5\n")
    put("micron.tif", picture())
    put("micron.geojson", geojson((np.array(LEFT) + 100).tolist()))
    put("micron_roi.tif", picture())
    for day in ("day1", "day2"):
        put(f"{day}/same.tif", picture())
    put("same.geojson", geojson(LEFT))
    failures = run("annotations").failures()
    assert {name: reason for name, reason in failures.items() if name != source.name} == {
        "twice.tif": "has annotations in twice.csv and twice.geojson; keep one of them",
        "size.tif": "the annotations are for an image of size (6, 8), but the image has (9, 9)",
        "orphan.geojson": "there is no image named orphan.geojson; put the image into the same folder",
        "list.json": "there is no image named absent.tif; put the image into the same folder",
        "micron.tif": "none of the 1 annotated objects has a pixel in the image of size (6, 8); "
        "check that it is their image, and that their unit is the pixel",
        "broken.json": failures["broken.json"],
        "broken.zip": "is a zip file without regions of ImageJ; unpack it here",
        "slide.vsi": "is a file of a microscope (.vsi), which is not read; "
        "open it in Fiji and save it as TIFF",
        "same.geojson": failures["same.geojson"],
    }
    assert failures["broken.json"].startswith("invalid JSON")
    assert failures["same.geojson"].startswith("2 images have the name of same.geojson: ")
    assert (
        failures[source.name] == "no annotations in a known format in results.csv; move other files elsewhere"
    )
