from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[[str], Any]
Put = Callable[..., Path]


def test_parts_and_their_names(run: Run, put: Put) -> None:
    put("Training-labeled/images/cell_00001.bmp", [[5, 6]])
    put("Training-labeled/labels/cell_00001_label.tiff", [[0, 3]], "uint16")
    put("Tuning/images/cell_00001.png", [[5, 6]])
    put("Tuning/labels/cell_00001_label.tiff", [[4, 0]], "uint16")
    put("Testing/Public/images/OpenTest_001.tif", [[5, 6]])
    put("Testing/Public/labels/OpenTest_001_label.tiff", [[1, 0]], "uint16")
    put("Testing/Public/WSI/slide.tif", [[5, 6]])
    put("Testing/Public/WSI-labels/slide_label.tiff", [[2, 0]], "uint16")
    imported = run("neurips-cellseg")
    images = {part: [item["image"] for item in imported.dataset[part]] for part in imported.report.imported}
    assert images == {
        "training": ["images/training_cell_00001.bmp"],
        "validation": ["images/validation_cell_00001.png"],
        "test": ["images/test_OpenTest_001.tif", "images/test_slide.tif"],
    }
    np.testing.assert_array_equal(imported.label("training_cell_00001"), [[0, 3]])
    np.testing.assert_array_equal(imported.label("test_slide"), [[2, 0]])


def test_unlabelled_images_at_any_depth(run: Run, put: Put) -> None:
    put("Training-unlabeled/a.png", [[5]])
    put("Training-unlabeled/part/deeper/a.png", [[5]])
    put("train-unlabeled-part2/a.tif", [[5]])
    put("release-part1/a.v2.png", [[5]])
    put("release-part1/readme.txt", "…")
    assert [item["image"] for item in run("neurips-cellseg").dataset["unlabelled"]] == [
        "images/Training-unlabeled_a.png",
        "images/Training-unlabeled_part_deeper_a.png",
        "images/release-part1_a.v2.png",
        "images/train-unlabeled-part2_a.tif",
    ]


def test_image_without_label_and_label_without_image(run: Run, put: Put) -> None:
    put("Tuning/images/a.png", [[5]])
    put("Tuning/images/b.png", [[5]])
    put("Tuning/labels/a_label.tiff", [[5]])
    put("Tuning/labels/c_label.tiff", [[5]])
    failures = run("neurips-cellseg").failures()
    assert "Tuning/labels; add the mask" in failures["b.png"]
    assert "has no image" in failures["c_label.tiff"]


def test_part_without_labels_is_unlabelled(run: Run, put: Put) -> None:
    put("Tuning/images/a.png", [[5]])
    assert run("neurips-cellseg").report.imported == {"unlabelled": 1}
