import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cellseg_monai.annotations.bitmaps import rings_of_runs
from cellseg_monai.export import Objects, read_coco, write_coco
from cellseg_monai.export.coco_runs import run_lengths
from cellseg_monai.export.outlining import outlines
from cellseg_monai.label_maps import LabelMap
from tests.export.maps import MAPS, every_map


@every_map
def test_there_and_back(label_map: LabelMap, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write_coco(tmp_path / "a.json", [("a.tif", Objects(label_map))])
    ((name, found),) = read_coco(tmp_path / "a.json")
    assert name == "a.tif"
    np.testing.assert_array_equal(found.label_map, label_map)
    assert found.table.empty
    assert not caplog.messages


def test_pycocotools_reads_the_same_pixels(tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    write_coco(tmp_path / "a.json", [(name, Objects(MAPS[name])) for name in MAPS])
    dataset = coco.COCO(str(tmp_path / "a.json"))
    for image in dataset.loadImgs(dataset.getImgIds()):
        drawn = np.zeros((image["height"], image["width"]), np.int32)
        for one in dataset.loadAnns(dataset.getAnnIds(image["id"])):
            mask = dataset.annToMask(one).astype(bool)
            rows, columns = np.nonzero(mask)
            assert one["area"] == mask.sum()
            assert one["bbox"] == [
                columns.min(),
                rows.min(),
                columns.max() - columns.min() + 1,
                rows.max() - rows.min() + 1,
            ]
            drawn[mask] = one["label"]
        np.testing.assert_array_equal(drawn, MAPS[image["file_name"]])


def test_strings_of_pycocotools_are_read() -> None:
    mask_tools = pytest.importorskip("pycocotools.mask", reason="pycocotools is not installed")
    mask = MAPS["blobs"] == 7
    encoded = mask_tools.encode(np.asfortranarray(mask.astype(np.uint8)))
    rings = rings_of_runs(encoded["counts"].decode(), mask.shape)
    assert run_lengths(rings, mask.shape) == run_lengths(outlines(mask)[0].rings, mask.shape)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([1, 2], "add up to 3 pixels"),
        ([-1, 7], "whole numbers"),
        ("\x01", "is not a digit"),
        (7, "whole numbers"),
    ],
    ids=["short", "negative", "string", "number"],
)
def test_run_lengths_that_cannot_be(counts: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rings_of_runs(counts, (2, 3))


def test_no_pixel_in_run_lengths() -> None:
    assert rings_of_runs([6], (2, 3)) == []
    assert run_lengths([], (2, 3)) == [6]
    assert run_lengths(outlines(np.ones((2, 3), int))[0].rings, (2, 3)) == [0, 6]


def test_holes_as_run_lengths_and_all_else_as_polygons(tmp_path: Path) -> None:
    write_coco(tmp_path / "a.json", [("a", Objects(MAPS["cell in a hole"]))])
    ring, cell = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert ring["segmentation"] == {"size": [3, 3], "counts": [0, 4, 1, 4]}
    assert cell["segmentation"] == [[1, 1, 2, 1, 2, 2, 1, 2]]
    assert (ring["area"], ring["iscrowd"]) == (8, 0)


def test_several_images_and_classes(tmp_path: Path) -> None:
    typed = Objects(np.array([[1, 2]], np.int32), pd.DataFrame({"class": ["Tumor"]}, index=[2]))
    write_coco(tmp_path / "a.json", [("a.tif", typed), ("b.tif", Objects(MAPS["touching"]))])
    content = json.loads((tmp_path / "a.json").read_text())
    assert [one["id"] for one in content["annotations"]] == [1, 2, 3, 4, 5]
    assert [one["name"] for one in content["categories"]] == ["cell", "Tumor"]
    (_, first), (_, second) = read_coco(tmp_path / "a.json")
    assert first.classes == {1: "cell", 2: "Tumor"}
    np.testing.assert_array_equal(second.label_map, MAPS["touching"])


class TestFilesOfOthers:
    """No ``label``, polygons that overlap, and what is broken."""

    def content(self, *segmentations: Any) -> dict[str, Any]:
        return {
            "images": [{"id": 9, "file_name": "x/a.jpg", "width": 4, "height": 2}],
            "categories": [{"id": 3, "name": "nucleus"}],
            "annotations": [
                {"id": 70 + place, "image_id": 9, "category_id": 3, "segmentation": one}
                for place, one in enumerate(segmentations)
            ],
        }

    def test_polygons(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        large, pieces = [[0, 0, 3, 0, 3, 2, 0, 2]], [[0, 0, 1, 0, 1, 1, 0, 1], [0, 1, 1, 1, 1, 2, 0, 2]]
        (tmp_path / "a.json").write_text(json.dumps(self.content(large, pieces)))
        ((name, found),) = read_coco(tmp_path / "a.json")
        assert name == "x/a.jpg"
        assert found.label_map.tolist() == [[2, 1, 1, 0], [2, 1, 1, 0]]
        assert found.classes == {1: "nucleus", 2: "nucleus"}
        assert "2 pixels lie in more than one object" in caplog.text

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("[]", r"a\.json: is not a COCO file"),
            ("{", r"a\.json: is not a COCO file"),
            ('{"images": [], "annotations": [{"image_id": 1}]}', r"a\.json: is not a COCO file: KeyError 1"),
        ],
        ids=["list", "damaged", "no image"],
    )
    def test_no_coco(self, text: str, message: str, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(ValueError, match=message):
            list(read_coco(tmp_path / "a.json"))

    @pytest.mark.parametrize(
        "segmentation", [[[1, 2, 3]], {"size": [4, 2], "counts": [8]}, 5], ids=["odd", "turned", "number"]
    )
    def test_segmentations_that_cannot_be_read(self, segmentation: Any, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_text(json.dumps(self.content(segmentation)))
        with pytest.raises(ValueError, match=r"x/a\.jpg: a segmentation cannot be read"):
            list(read_coco(tmp_path / "a.json"))
