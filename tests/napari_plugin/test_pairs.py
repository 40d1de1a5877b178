"""Images with labels in a dataset, as the annotation widget saves and lists them."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellseg_monai.data import list_items, read_label_map, read_pixels
from cellseg_monai.napari_plugin import labelled_images, save_labels, unlabelled_images

CELLS = np.pad(np.array([[1, 1, 2]]), 3)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "day1/a.ome.tif"
    file.parent.mkdir()
    tifffile.imwrite(file, np.arange(CELLS.size, dtype=np.uint16).reshape(CELLS.shape))
    return file


def files(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if ".cellseg" not in file.parts
            and file.is_file()}  # fmt: skip


def test_a_pair_is_a_dataset_with_a_copy_of_the_file(image: Path, tmp_path: Path) -> None:
    mask = save_labels(tmp_path / "set", image, CELLS)
    assert files(tmp_path / "set") == {"images/a.ome.tif", "masks/a.tif"}
    (item,) = list_items(tmp_path / "set")
    assert (item["name"], item["label"]) == ("a", str(mask))
    assert Path(item["image"]).read_bytes() == image.read_bytes()
    np.testing.assert_array_equal(read_label_map(mask), CELLS)


@pytest.mark.parametrize(("shape", "photometric"), [((7, 9), "MINISBLACK"), ((7, 9, 3), "RGB")])
def test_pixels_without_a_file(shape: tuple[int, ...], photometric: str, tmp_path: Path) -> None:
    pixels = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    save_labels(tmp_path, pixels, np.ones(shape[:2], bool), "day 1")
    with tifffile.TiffFile(tmp_path / "images/day 1.tif") as file:
        assert file.pages[0].photometric.name == photometric
    np.testing.assert_array_equal(read_pixels(tmp_path / "images/day 1.tif"), pixels)


def test_many_cells_keep_their_ids(tmp_path: Path) -> None:
    cells = np.arange(70_000).reshape(70, 1000).repeat(6, axis=0).repeat(6, axis=1)
    mask = save_labels(tmp_path, np.zeros(cells.shape, np.uint8), cells, "many")
    np.testing.assert_array_equal(read_label_map(mask), cells)


def test_corrected_labels_replace_those_that_were_saved(image: Path, tmp_path: Path) -> None:
    for cells in (CELLS, CELLS * 3):
        mask = save_labels(tmp_path / "set", image, cells)
    assert files(tmp_path / "set") == {"images/a.ome.tif", "masks/a.tif"}
    np.testing.assert_array_equal(read_label_map(mask), CELLS * 3)


@pytest.mark.parametrize("name", ["a.tif", "a_mask.png.tif", "a_cp_masks.tif"])
def test_a_mask_of_somebody_else_is_kept(name: str, image: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "set/labels" / name.replace(".png", "")
    theirs.parent.mkdir(parents=True)
    tifffile.imwrite(theirs, CELLS.astype(np.uint8) * 7)
    content = theirs.read_bytes()
    mask = save_labels(tmp_path / "set", image, CELLS)
    assert mask == tmp_path / "set/labels/a.tif"
    (kept,) = theirs.parent.glob(f"{theirs.name}.former-*")
    assert kept.read_bytes() == content
    assert [item["label"] for item in list_items(tmp_path / "set")] == [str(mask)]
    save_labels(tmp_path / "set", image, CELLS * 2)
    assert len(files(tmp_path / "set/labels")) == 2


def test_a_mask_that_another_program_changed_is_kept(image: Path, tmp_path: Path) -> None:
    mask = save_labels(tmp_path / "set", image, CELLS)
    tifffile.imwrite(mask, CELLS.astype(np.uint8) * 9)
    save_labels(tmp_path / "set", image, CELLS)
    (kept,) = mask.parent.glob("a.tif.former-*")
    assert tifffile.imread(kept).max() == 18
    assert read_label_map(mask).max() == 2


def test_an_image_is_never_overwritten(image: Path, tmp_path: Path) -> None:
    save_labels(tmp_path / "set", image, CELLS)
    before = {name: (tmp_path / "set" / name).read_bytes() for name in files(tmp_path / "set")}
    with pytest.raises(ValueError, match=r"a\.ome\.tif: another image has this name; rename one of them"):
        save_labels(tmp_path / "set", np.zeros(CELLS.shape), CELLS * 2, "a")
    assert {name: (tmp_path / "set" / name).read_bytes() for name in files(tmp_path / "set")} == before


def test_images_in_the_dataset_stay_where_they_are(image: Path, tmp_path: Path) -> None:
    folder = tmp_path / "set/images"
    folder.mkdir(parents=True)
    for name in "abc":
        shutil.copy(image, folder / f"{name}.tif")
    save_labels(tmp_path / "set", folder / "b.tif", CELLS)
    assert files(tmp_path / "set") == {"images/a.tif", "images/b.tif", "images/c.tif", "masks/b.tif"}
    assert [item["name"] for item in labelled_images(tmp_path / "set")] == ["b"]
    assert [file.name for file in unlabelled_images(folder, tmp_path / "set")] == ["a.tif", "c.tif"]


def test_a_folder_without_images_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="there is no image in this folder"):
        unlabelled_images(tmp_path, tmp_path / "set")


@pytest.mark.parametrize(
    ("pixels", "labels", "name", "message"),
    [
        (np.zeros((7, 9)), np.ones((9, 7)), "a", r"a: the labels have the shape \(9, 7\), but the image"),
        (np.zeros((7, 9)), CELLS - 1, "a", "ids must not be negative"),
        (np.zeros((7, 9)), CELLS, "day 1/a", "'day 1/a' cannot be the name of a file; rename the layer"),
        (np.zeros((7, 9)), CELLS, "", "'' cannot be the name of a file; rename the layer"),
        (np.zeros((7, 9, 5)), CELLS, "a", r"a: the shape of the image is \(7, 9, 5\); save one plane"),
    ],
    ids=["other shape", "negative", "slash", "no name", "stack"],
)
def test_what_cannot_be_saved_is_told(pixels, labels, name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        save_labels(tmp_path / "set", pixels, labels, name)
    assert not files(tmp_path)


def test_a_stack_is_told(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "z.tif",
        np.zeros((4, *CELLS.shape), np.uint8),
        photometric="minisblack",
        metadata={"axes": "ZYX"},
    )
    with pytest.raises(
        ValueError, match=r"z\.tif: a stack of 4 planes; save the planes to train with as files"
    ):
        save_labels(tmp_path / "set", tmp_path / "z.tif", CELLS)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["dataset.json"], "has a dataset.json"),
        (["x.tif", "x_mask.tif"], "has images, but no folder images/"),
    ],
    ids=["list", "side by side"],
)
def test_a_dataset_of_another_layout_is_told(
    names: list[str], message: str, image: Path, tmp_path: Path
) -> None:
    for name in names:
        shutil.copy(image, tmp_path / name)
    with pytest.raises(ValueError, match=f"{message}; choose another folder for the labels"):
        save_labels(tmp_path, image, CELLS)
    assert files(tmp_path) == {*names, "day1/a.ome.tif"}
