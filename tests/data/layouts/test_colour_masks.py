from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cellseg_monai.data.layouts.colour_masks import colour_codes

Run = Callable[[str], Any]
Put = Callable[..., Path]

CELLS = np.zeros((20, 30), np.int32)
CELLS[2:8, 2:9], CELLS[2:8, 9:15], CELLS[12:18, 3:9], CELLS[12:18, 15:25] = 1, 2, 3, 4
COLOURS = np.array([[0, 0, 0], [250, 50, 83], [61, 61, 245], [50, 183, 250], [255, 204, 51]])


def put_image(put: Put, name: str) -> None:
    put(name, np.random.default_rng(0).integers(0, 255, CELLS.shape))


def test_a_colour_for_each_cell(run: Run, put: Put) -> None:
    put_image(put, "images/a.tif")
    put("masks/a.png", COLOURS[CELLS])
    imported = run("annotations")
    found = imported.label("a")
    assert sorted(np.unique(found)) == [0, 1, 2, 3, 4]
    assert all(len(np.unique(found[CELLS == number])) == 1 for number in range(5))
    assert imported.report.notes == ("a: each colour is an object",)


@pytest.mark.parametrize("white", [False, True], ids=["on black", "on white"])
def test_a_colour_for_each_class(run: Run, put: Put, white: bool) -> None:
    colours = COLOURS[[0, 1, 2, 1, 1]]
    colours[0] = 255 * white
    for name in "ab":
        put_image(put, f"images/{name}.tif")
        put(f"masks/{name}.png", colours[np.where(CELLS == 2, 0, CELLS)])
    imported = run("annotations")
    found = imported.label("a")
    assert [len(np.unique(found[CELLS == number])) for number in (1, 3, 4)] == [1, 1, 1]
    assert found.max() == 3
    assert imported.dataset["classes"] == {"1": "#fa3253"}
    assert "a: each piece of a colour is an object, so touching cells" in imported.report.notes[0]


def test_masks_of_cvat(run: Run, put: Put) -> None:
    put_image(put, "JPEGImages/a.png")
    put("SegmentationObject/a.png", COLOURS[CELLS])
    put("SegmentationClass/a.png", COLOURS[[0, 1, 2, 1, 1]][CELLS])
    put(
        "labelmap.txt",
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nTumor:250,50,83::\nImmune:61,61,245::\n",
    )
    put("ImageSets/Segmentation/default.txt", "a\n")
    imported = run("annotations")
    assert not imported.report.failures
    assert imported.label("a").max() == 4
    codes = {name: int(code) for code, name in imported.dataset["classes"].items()}
    classes = np.asarray(Image.open(imported.folder / imported.dataset["training"][0]["class_map"]))
    np.testing.assert_array_equal(classes == codes["Tumor"], np.isin(CELLS, (1, 3, 4)))
    np.testing.assert_array_equal(classes == codes["Immune"], CELLS == 2)


def test_palette_of_ids_and_of_classes(run: Run, put: Put, source: Path) -> None:
    for folder, values in (("ids", CELLS * 7), ("kinds", np.array([0, 5, 0, 5, 5])[CELLS])):
        put_image(put, f"{folder}_1.tif")
        picture = Image.fromarray(values.astype(np.uint8), mode="P")
        picture.putpalette(list(range(256)) * 3)
        (source / folder / "masks").mkdir(parents=True)
        picture.save(source / folder / "masks" / f"{folder}_1.png")
    imported = run("annotations")
    np.testing.assert_array_equal(imported.label("ids_1"), CELLS * 7)
    assert imported.label("kinds_1").max() == 3
    assert imported.dataset["classes"] == {"1": "value 5"}


def test_refusals(run: Run, put: Put, tmp_path: Path) -> None:
    put_image(put, "images/a.tif")
    put("masks/a.png", COLOURS[CELLS[:10]])
    put_image(put, "images/good.tif")
    put("masks/good.png", COLOURS[CELLS])
    assert run("annotations").failures() == {
        "a.tif": "a.png has the shape (10, 30), but the image has (20, 30)"
    }
    smooth = np.asarray(
        Image.fromarray(COLOURS[CELLS].astype(np.uint8)).resize((90, 60), Image.Resampling.BICUBIC)
    )
    Image.fromarray(smooth).save(tmp_path / "smooth.png")
    with pytest.raises(
        ValueError, match=r"smooth.png has \d+ colours, and \d+ of them cover fewer than 5 pixels"
    ):
        colour_codes(tmp_path / "smooth.png")
    Image.fromarray(smooth).save(tmp_path / "a.jpg")
    with pytest.raises(
        ValueError, match=r"a\.jpg is a JPEG, which changes the colours; save the mask as PNG"
    ):
        colour_codes(tmp_path / "a.jpg")
