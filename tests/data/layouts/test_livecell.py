import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[[str], Any]
Put = Callable[..., Path]

NAME = "A172_Phase_C7_1_00d00h00m_1"
TRAIN = "annotations/LIVECell/livecell_coco_train.json"
SQUARE = [0, 0, 4, 0, 4, 4, 0, 4]


def coco(
    *outlines: Any, name: str = f"{NAME}.tif", size: tuple[int, int] = (6, 8), as_table: bool = False
) -> str:
    """A COCO file of one image; as_table gives the annotations by their number."""
    annotations = [
        {"id": 100 + number, "image_id": 7, "category_id": 1, "iscrowd": 0, "segmentation": outline}
        for number, outline in enumerate(outlines)
    ]
    return json.dumps(
        {
            "images": [{"id": 7, "file_name": name, "height": size[0], "width": size[1]}],
            "annotations": {str(item["id"]): item for item in annotations} if as_table else annotations,
            "categories": [{"id": 1, "name": "cell"}],
        }
    )


@pytest.fixture
def image(put: Put) -> Path:
    return put(f"images/livecell_train_val_images/A172/{NAME}.tif", np.zeros((6, 8)))


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize("as_table", [False, True], ids=["list", "table"])
def test_polygons_and_run_lengths(run: Run, put: Put, as_table: bool) -> None:
    last_column = {"size": [6, 8], "counts": [42, 6]}
    put(TRAIN, coco([SQUARE], last_column, as_table=as_table))
    imported = run("livecell")
    expected = np.zeros((6, 8), np.int32)
    expected[:4, :4] = 1
    expected[:, 7] = 2
    np.testing.assert_array_equal(imported.label(NAME), expected)
    assert imported.dataset["training"] == [
        {
            "image": f"images/{NAME}.tif",
            "label": f"labels/{NAME}.tif",
            "group": "A172_C7",
            "modality": "A172",
        }
    ]


@pytest.mark.usefixtures("image")
def test_overlap_is_counted_and_the_lost_named(run: Run, put: Put) -> None:
    put(TRAIN, coco([SQUARE], [[2, 2, 4, 2, 4, 4, 2, 4]], [SQUARE], []))
    imported = run("livecell")
    (conflict,) = imported.report.conflicts
    assert conflict.contested_pixels == 16
    assert conflict.lost_objects == ("annotation 102", "annotation 103")
    assert np.bincount(imported.label(NAME).ravel()).tolist() == [32, 12, 4]


@pytest.mark.usefixtures("image")
def test_image_without_cells(run: Run, put: Put) -> None:
    put(TRAIN, coco())
    assert run("livecell").label(NAME).max() == 0


def test_splits_and_images_without_the_folder_of_the_type(run: Run, put: Put) -> None:
    for part, folder in (("val", "train_val"), ("test", "test")):
        name = f"BV2_Phase_A4_2_01d12h00m_{part}.tif"
        put(f"images/livecell_{folder}_images/{name}", np.zeros((6, 8)))
        put(f"annotations/LIVECell/livecell_coco_{part}.json", coco([SQUARE], name=name))
    assert run("livecell").report.imported == {"validation": 1, "test": 1}


@pytest.mark.usefixtures("image")
def test_files_by_cell_type_are_read_where_the_whole_is_not(run: Run, put: Put) -> None:
    put("annotations/LIVECell_single_cells/a172/train.json", coco([SQUARE]))
    assert run("livecell").report.imported == {"training": 1}


@pytest.mark.usefixtures("image")
def test_files_by_cell_type_do_not_repeat_the_whole(run: Run, put: Put) -> None:
    put(TRAIN, coco([SQUARE]))
    put("annotations/LIVECell_single_cells/a172/train.json", coco([SQUARE]))
    assert not run("livecell").report.failures


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize(
    "name",
    ["../outside.tif", "/etc/hostname", "..\\outside.tif", "C:outside.tif", "sub/outside.tif"],
)
def test_path_out_of_the_source_is_not_followed(run: Run, put: Put, name: str) -> None:
    put("images/outside.tif", np.zeros((6, 8)))
    put(TRAIN, coco([SQUARE]))
    put("annotations/LIVECell/livecell_coco_val.json", coco([SQUARE], name=name))
    imported = run("livecell")
    (failure,) = imported.report.failures
    assert "plain file names" in failure.reason
    assert imported.report.imported == {"training": 1}


@pytest.mark.usefixtures("image")
@pytest.mark.parametrize(
    ("text", "file", "reason"),
    [
        ("{", "livecell_coco_val.json", "is not a COCO annotation file"),
        ("[]", "livecell_coco_val.json", "is not a COCO annotation file"),
        ('{"images": []}', "livecell_coco_val.json", "KeyError('annotations')"),
        (
            '{"images": [], "annotations": [{"id": 1, "image_id": 9, "segmentation": []}]}',
            "livecell_coco_val.json",
            "objects of images that it does not list: [9]",
        ),
        (
            coco(name="A172_Phase_B3_1_00d00h00m_1.tif"),
            "A172_Phase_B3_1_00d00h00m_1.tif",
            "but is not in",
        ),
        (
            coco(size=(8, 6), name="A172_Phase_D4_1_00d00h00m_1.tif"),
            "A172_Phase_D4_1_00d00h00m_1.tif",
            "size (8, 6)",
        ),
        (
            coco([[1, 2, 3]], name="A172_Phase_D4_1_00d00h00m_1.tif"),
            "A172_Phase_D4_1_00d00h00m_1.tif",
            "alternating x and y",
        ),
    ],
    ids=["no JSON", "list", "no annotations", "unlisted image", "missing image", "size", "outline"],
)
def test_what_does_not_fit_is_reported(run: Run, put: Put, text: str, file: str, reason: str) -> None:
    put("images/livecell_train_val_images/A172/A172_Phase_D4_1_00d00h00m_1.tif", np.zeros((6, 8)))
    put(TRAIN, coco([SQUARE]))
    put("annotations/LIVECell/livecell_coco_val.json", text)
    imported = run("livecell")
    assert reason in imported.failures()[file]
    assert imported.report.imported == {"training": 1}
