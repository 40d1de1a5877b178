from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cellseg_monai.data.layouts import import_dataset
from cellseg_monai.label_maps import overlap_matrix

Run = Callable[[str], Any]
Put = Callable[..., Path]


def test_one_picture_a_nucleus(run: Run, put: Put) -> None:
    put("n1/images/n1.png", [[9, 9, 9, 9]])
    put("n1/masks/b.png", [[0, 0, 255, 0]])
    put("n1/masks/a.png", [[255, 0, 0, 0]])
    put("n1/masks/c.png", [[[0, 0, 0, 255]] * 3 + [[255, 255, 255, 255]]])
    imported = run("dsb2018")
    np.testing.assert_array_equal(imported.label("n1"), [[1, 0, 2, 3]])
    assert not imported.report.conflicts
    assert imported.dataset["licence"] == "CC0-1.0"


def test_overlap_is_counted_and_the_smaller_nucleus_on_top(run: Run, put: Put) -> None:
    put("n1/images/n1.png", [[9, 9, 9, 9]])
    put("n1/masks/a.png", [[255, 255, 255, 0]])
    put("n1/masks/b.png", [[0, 0, 255, 255]])
    put("n1/masks/c.png", [[0, 0, 255, 255]])
    imported = run("dsb2018")
    np.testing.assert_array_equal(imported.label("n1"), [[1, 1, 2, 2]])
    (conflict,) = imported.report.conflicts
    assert (conflict.name, conflict.contested_pixels, conflict.lost_objects) == ("n1", 2, ("c.png",))
    assert "overlap: n1: several objects cover 2 pixels; lost: c.png" in str(imported.report)


def test_stages_are_splits_and_no_masks_is_unlabelled(run: Run, put: Put) -> None:
    put("stage1_train/n1/images/n1.png", [[9]])
    put("stage1_train/n1/masks/a.png", [[255]])
    put("stage1_test/n2/images/n2.png", [[9]])
    put("stage1_test/n3/images/n3.png", [[9]])
    put("stage1_test/n3/masks/a.png", [[255]])
    put("stage1_train_labels.csv", "ImageId,EncodedPixels\n")
    assert run("dsb2018").report.imported == {"training": 1, "test": 1, "unlabelled": 1}


@pytest.mark.parametrize(
    ("files", "file", "reason"),
    [
        ({"n2/images/n2.png": [[9]], "n2/images/n3.png": [[9]]}, "images", "has 2 images"),
        ({"n2/masks/a.png": [[255]]}, "images", "has 0 images"),
        ({"n2/images/n2.png": [[9]], "n2/masks/.DS_Store": ""}, "masks", "is empty"),
        (
            {"n2/images/n2.png": [[9]], "n2/masks/a.png": [[255, 0]]},
            "n2.png",
            "a.png has the shape (1, 2), but the image has (1, 1)",
        ),
    ],
    ids=["two images", "no image", "no masks", "size"],
)
def test_what_does_not_fit_is_reported(
    run: Run, put: Put, files: dict[str, object], file: str, reason: str
) -> None:
    put("n1/images/n1.png", [[9]])
    for name, content in files.items():
        put(name, content)
    assert reason in run("dsb2018").failures()[file]


@pytest.mark.parametrize(
    ("sample", "folder", "expected"),
    [
        ("real_images", "dsb2018", {11: (11, 1328)}),
        ("real_data", "layouts/dsb2018", {22: (22, 31_976), 70: (70, 29_375), 27: (27, 5_714)}),
    ],
)
def test_real_sample(
    request: pytest.FixtureRequest,
    sample: str,
    folder: str,
    expected: dict[int, tuple[int, int]],
    tmp_path: Path,
) -> None:
    """Of each image the masks, and the nuclei and their pixels in the label map."""
    source = request.getfixturevalue(sample) / folder
    report = import_dataset("dsb2018", source, tmp_path / "plain")
    assert report.imported == {"training": len(expected)}
    assert not report.failures
    assert not report.conflicts
    areas = {}
    for image in source.iterdir():
        label_map = tifffile.imread(tmp_path / "plain" / "labels" / f"{image.name}.tif")
        overlap = overlap_matrix(label_map, label_map > 0)
        areas[len(list((image / "masks").iterdir()))] = (len(overlap.row_ids) - 1, overlap.counts[1:].sum())
    assert areas == expected
