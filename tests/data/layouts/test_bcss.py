from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[[str], Any]
Put = Callable[..., Path]

REGION = "TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500"


@pytest.mark.parametrize("folder", ["rgbs_colorNormalized", "rgbs", "images"])
def test_classes_keep_their_codes(run: Run, put: Put, folder: str) -> None:
    put(f"{folder}/{REGION}.png", np.zeros((1, 3, 3)))
    put(f"masks/{REGION}.png", [[0, 1, 21]])
    imported = run("bcss")
    np.testing.assert_array_equal(imported.label(REGION), [[0, 1, 21]])
    assert imported.dataset["training"] == [
        {"image": f"images/{REGION}.png", "label": f"labels/{REGION}.tif", "group": "TCGA-A1-A0SK"}
    ]
    names = imported.dataset["labels"]
    assert len(names) == 22
    assert (names["0"], names["1"], names["9"], names["21"]) == ("outside_roi", "tumor", "fat", "other")


def test_table_of_codes(run: Run, put: Put) -> None:
    put(f"images/{REGION}.png", np.zeros((1, 3, 3)))
    put(f"masks/{REGION}.png", [[0, 1, 30]])
    put("meta/gtruth_codes.tsv", "label\tGT_code\noutside_roi\t0\nnerve\t30\ntumor\t1\n")
    assert run("bcss").dataset["labels"] == {"0": "outside_roi", "1": "tumor", "30": "nerve"}


def test_code_without_a_name(run: Run, put: Put) -> None:
    put("images/a.png", np.zeros((1, 3, 3)))
    put("images/b.png", np.zeros((1, 3, 3)))
    put("masks/a.png", [[0, 1, 2]])
    put("masks/b.png", [[0, 255, 77]])
    assert "b.png has the codes [77, 255], which have no name" in run("bcss").failures()["b.png"]


@pytest.mark.parametrize("table", ["label,GT_code\ntumor,1\n", "label\tGT_code\ntumor\tone\n"])
def test_broken_table(run: Run, put: Put, table: str) -> None:
    put("images/a.png", np.zeros((1, 3, 3)))
    put("meta/gtruth_codes.tsv", table)
    with pytest.raises(ValueError, match=r"gtruth_codes\.tsv must be a table with the columns label and"):
        run("bcss")


@pytest.mark.parametrize("root", ["", "BCSS/"])
def test_tiles(run: Run, put: Put, root: str) -> None:
    tile = "TCGA-A2-A0YE-DX1_224_1"
    put(f"{root}train/{tile}.png", np.zeros((1, 2, 3)))
    put(f"{root}train_mask/{tile}.png", [[2, 0]])
    put(f"{root}test/1.png", np.zeros((1, 2, 3)))
    imported = run("bcss")
    assert imported.report.imported == {"training": 1, "unlabelled": 1}
    assert imported.dataset["training"][0]["group"] == "TCGA-A2-A0YE"
    np.testing.assert_array_equal(imported.label(f"train_{tile}"), [[2, 0]])
    assert "train and score with --classes 0=ignore 2=2" in str(imported.report)
