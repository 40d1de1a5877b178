"""Datasets of tiles."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellseg_monai.cli import main
from cellseg_monai.data import list_items, read_label_map, read_picture, write_synthetic_dataset, write_tiles

CASES = {
    "grey": np.arange(30, dtype=np.uint16).reshape(5, 6),
    "colour": np.arange(90, dtype=np.uint8).reshape(5, 6, 3),
    "five channels": np.arange(150, dtype=np.uint16).reshape(5, 6, 5),
}


@pytest.mark.parametrize("pixels", CASES.values(), ids=CASES)
def test_no_pixel_is_lost_or_changed(pixels: np.ndarray, tmp_path: Path) -> None:
    source, mask = tmp_path / "whole", np.arange(30, dtype=np.uint16).reshape(5, 6) + 300
    for name in ("images", "masks"):
        (source / name).mkdir(parents=True)
    colour = {"photometric": "rgb"} if pixels.shape[2:] == (3,) else {"photometric": "minisblack"}
    axes = {"metadata": {"axes": "YXC"}} if pixels.shape[2:] == (5,) else {}
    size = {"resolution": (2e4, 2e4), "resolutionunit": "CENTIMETER"}
    tifffile.imwrite(source / "images/a.tif", pixels, **colour, **axes, **size)
    Image.fromarray(mask).save(source / "masks/a.png")
    assert main(["data", "tile", str(source), str(tmp_path / "tiles"), "--grid", "2", "3"]) == 0
    items = list_items(tmp_path / "tiles")
    assert [item["name"] for item in items] == [f"a_{row}_{column}" for row in (0, 1) for column in (0, 1, 2)]
    assert {item["group"] for item in items} == {"a"}
    pictures = [read_picture(item["image"]) for item in items]
    assert [picture.size for picture in pictures] == [(2, 3)] * 3 + [(2, 2)] * 3
    assert pictures[0].pixel_size == (0.5, 0.5)
    for whole, parts in (
        (pixels, [picture.rows_columns() for picture in pictures]),
        (mask, [read_label_map(item["label"]) for item in items]),
    ):
        bands = [np.concatenate(parts[start : start + 3], axis=1) for start in (0, 3)]
        np.testing.assert_array_equal(np.concatenate(bands), whole)
    assert pictures[0].pixels.dtype == pixels.dtype


def test_groups_class_maps_and_sections_are_kept(tmp_path: Path) -> None:
    dataset = write_synthetic_dataset("tissue", tmp_path / "whole", count=3, size=(64, 64))
    listing = json.loads(dataset.read_text())
    listing["test"] = [listing["training"].pop()]
    del listing["test"][0]["label"]
    dataset.write_text(json.dumps(listing))
    items = list_items(write_tiles(dataset.parent, tmp_path / "tiles", grid=(1, 2)))
    assert [item["group"] for item in items] == ["dish_00"] * 4 + ["dish_01"] * 2
    assert ["label" in item for item in items] == [True] * 4 + [False] * 2
    assert all(read_label_map(item["class_map"]).shape == (64, 32) for item in items)


@pytest.mark.parametrize(
    ("grid", "message"),
    [((0, 1), "at least one row and one column, not 0 x 1"), ((1, 65), r"64.* cannot be cut into \(1, 65\)")],
)
def test_a_wrong_grid_is_told(grid: tuple[int, int], message: str, tmp_path: Path) -> None:
    dataset = write_synthetic_dataset("nuclei", tmp_path / "whole", count=1, size=(64, 64))
    with pytest.raises(ValueError, match=message):
        write_tiles(dataset, tmp_path / "tiles", grid=grid)
    assert not (tmp_path / "tiles/dataset.json").exists()


def test_two_images_of_one_name_and_a_mask_of_another_size(tmp_path: Path) -> None:
    for folder, side in (("a", 4), ("b", 5)):
        (tmp_path / folder).mkdir()
        tifffile.imwrite(tmp_path / folder / "x.tif", np.zeros((side, side), np.uint8))
    listing = tmp_path / "list.json"
    listing.write_text(json.dumps({"training": ["a/x.tif", "b/x.tif"]}))
    with pytest.raises(ValueError, match=r"list.json: 2 images have the name 'x'; rename"):
        write_tiles(listing, tmp_path / "tiles", grid=(1, 1))
    listing.write_text(json.dumps({"training": [{"image": "a/x.tif", "label": "b/x.tif"}]}))
    with pytest.raises(ValueError, match=r"b/x.tif: its size \(5, 5\) differs from \(4, 4\) of .*a/x.tif"):
        write_tiles(listing, tmp_path / "tiles", grid=(1, 1))
