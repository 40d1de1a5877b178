from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[[str], Any]
Put = Callable[..., Path]


@pytest.mark.parametrize("root", ["", "BCSS_512/"])
def test_parts(run: Run, put: Put, root: str) -> None:
    tile = "TCGA-A2-A0YE-DX1_512_1"
    put(f"{root}train_512/{tile}.png", np.zeros((1, 2, 3)))
    put(f"{root}train_mask_512/{tile}.png", [[21, 0]])
    put(f"{root}val_512/{tile}.png", np.zeros((1, 2, 3)))
    put(f"{root}val_mask_512/{tile}.png", [[1, 2]])
    put(f"{root}test_512/1.png", np.zeros((1, 2, 3)))
    imported = run("bcss512")
    assert imported.report.imported == {"training": 1, "validation": 1, "unlabelled": 1}
    assert imported.dataset["validation"][0]["group"] == "TCGA-A2-A0YE"
    assert "group" not in imported.dataset["unlabelled"][0]
    assert imported.dataset["labels"]["20"] == "dcis"
    np.testing.assert_array_equal(imported.label(f"train_{tile}"), [[21, 0]])


def test_code_without_a_name(run: Run, put: Put) -> None:
    for name, code in (("a", 21), ("b", 22)):
        put(f"train_512/{name}.png", np.zeros((1, 1, 3)))
        put(f"train_mask_512/{name}.png", [[code]])
    assert list(run("bcss512").failures()) == ["b.png"]
