from collections.abc import Callable
from pathlib import Path
from typing import Any

Run = Callable[[str], Any]
Put = Callable[..., Path]


def test_parts_keep_equal_names_apart(run: Run, put: Put) -> None:
    for part in ("train", "val", "test"):
        put(f"{part}/images/a.tif", [[5]])
        put(f"{part}/masks/a.png", [[1]])
    dataset = run("stardist").dataset
    assert [dataset[split][0]["image"] for split in ("training", "validation", "test")] == [
        "images/train_a.tif",
        "images/val_a.tif",
        "images/test_a.tif",
    ]


def test_two_masks_for_an_image(run: Run, put: Put) -> None:
    for name in ("images/a.tif", "images/b.tif", "masks/a.tif", "masks/a.png", "masks/b.tif"):
        put(f"train/{name}", [[1]])
    assert "has the masks a.png and a.tif; keep one" in run("stardist").failures()["a.tif"]
