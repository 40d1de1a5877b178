import errno
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellseg_monai.data.datalist import list_items
from cellseg_monai.data.layouts import LAYOUTS, find_layout, import_dataset, writing

Run = Callable[[str], Any]
Put = Callable[..., Path]


@pytest.fixture
def three(put: Put) -> None:
    """Two pairs for training and one for the test, in the habit of StarDist."""
    put("train/images/b.tif", [[5, 6]], "uint16")
    put("train/masks/b.png", [[0, 2]])
    put("train/images/a.png", [[1, 2]])
    put("train/masks/a.tif", [[7, 0]])
    put("test/images/a.png", [[3, 4]])
    put("test/masks/a.tif", [[1, 1]])


@pytest.mark.usefixtures("three")
def test_dataset_lists_what_was_written(run: Run, source: Path) -> None:
    imported = run("stardist")
    assert imported.dataset == {
        "name": "published",
        "description": LAYOUTS["stardist"].description,
        "training": [
            {"image": "images/train_a.png", "label": "labels/train_a.tif"},
            {"image": "images/train_b.tif", "label": "labels/train_b.tif"},
        ],
        "test": [{"image": "images/test_a.png", "label": "labels/test_a.tif"}],
    }
    assert imported.report.imported == {"training": 2, "test": 1}
    assert not imported.report.failures
    written = imported.folder / "images" / "train_b.tif"
    assert written.read_bytes() == (source / "train" / "images" / "b.tif").read_bytes()


@pytest.mark.usefixtures("three")
def test_dataset_is_one_that_list_items_reads(run: Run) -> None:
    imported = run("stardist")
    items = list_items(imported.folder, "training")
    assert [item["name"] for item in items] == ["train_a", "train_b"]
    assert items[1]["label"] == str(imported.folder / "labels" / "train_b.tif")


@pytest.mark.usefixtures("three")
def test_labels_are_deflated_int32_with_their_ids(run: Run) -> None:
    path = run("stardist").folder / "labels" / "train_a.tif"
    with tifffile.TiffFile(path) as tiff:
        assert tiff.pages[0].compression.name == "ADOBE_DEFLATE"
        assert tiff.pages[0].dtype == np.int32
        np.testing.assert_array_equal(tiff.asarray(), [[7, 0]])


@pytest.mark.usefixtures("three")
def test_two_imports_are_the_same_to_the_byte(source: Path, tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        import_dataset("stardist", source, folder)
    files = [
        {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        for folder in folders
    ]
    assert len([path for path in files[0] if path.parts[0] != ".cellseg"]) == 7
    assert files[0] == files[1]


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("train/masks/a.tif", [[1, 0], [0, 1]], r"a.tif has the shape \(2, 2\), but the image has \(1, 2\)"),
        ("train/masks/a.tif", b"damaged", "a.tif: cannot be read"),
        ("train/images/a.png", b"damaged", "^cannot be read"),
        ("train/masks/a.tif", np.full((1, 2), 0.5), "not an object id"),
        ("train/masks/a.tif", np.arange(10).reshape(5, 1, 2), "has 5 pages and does not say what they are"),
    ],
    ids=["size", "label", "image", "interpolated", "volume"],
)
def test_one_bad_file_does_not_stop_the_others(
    run: Run, put: Put, source: Path, name: str, content: object, reason: str
) -> None:
    put(name, content, "float32")
    imported = run("stardist")
    (failure,) = imported.report.failures
    assert failure.file == source / "train" / "images" / "a.png"
    assert re.search(reason, failure.reason)
    assert imported.report.imported == {"training": 1, "test": 1}
    assert f"not imported: {failure.file}" in str(imported.report)
    assert not (imported.folder / "images" / "train_a.png").exists()


def test_palette_of_a_mask_gives_indices(run: Run, put: Put, source: Path) -> None:
    put("train/images/a.png", [[8, 9, 9]])
    (source / "train" / "masks").mkdir()
    picture = Image.fromarray(np.array([[0, 2, 1]], np.uint8))
    picture.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30])
    picture.save(source / "train" / "masks" / "a.png")
    np.testing.assert_array_equal(run("stardist").label("train_a"), [[0, 2, 1]])


def test_names_that_differ_only_in_case_or_suffix_are_not_overwritten(run: Run, put: Put) -> None:
    for name in ("a.png", "A.png", "a.tif"):
        put(f"train/images/{name}", [[1]])
    imported = run("stardist")
    assert imported.report.imported == {"unlabelled": 1}
    assert [failure.reason for failure in imported.report.failures] == [
        "another image already has the name 'train_a'; rename one of them"
    ] * 2


def test_name_that_other_systems_refuse(run: Run, put: Put) -> None:
    put("train/images/a.png", [[1]])
    put("train/images/b:c.png", [[1]])
    assert "'train_b:c' is not a valid file name on every system" in run("stardist").failures()["b:c.png"]


def test_unknown_layout_lists_those_that_are_known(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no layout 'coco'; choose one of") as caught:
        import_dataset("coco", source, tmp_path / "plain")
    assert all(f"{name}: {LAYOUTS[name].description}" in str(caught.value) for name in LAYOUTS)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
def test_empty_source_shows_the_form_of_the_layout(name: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=f"no files in the layout '{name}'") as caught:
        import_dataset(name, source, tmp_path / "plain")
    form = find_layout(name).form
    assert form
    assert form in str(caught.value)
    assert not (tmp_path / "plain").exists()


def test_missing_source(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere is not a folder; unpack"):
        import_dataset("ctc", tmp_path / "nowhere", tmp_path / "plain")


@pytest.mark.usefixtures("three")
def test_second_import_to_the_same_place_is_refused(run: Run) -> None:
    run("stardist")
    with pytest.raises(FileExistsError, match=r"dataset\.json already exists; delete it or choose another"):
        run("stardist")


@pytest.mark.usefixtures("three")
def test_source_as_destination_is_refused(source: Path) -> None:
    with pytest.raises(ValueError, match="source and destination are both"):
        import_dataset("stardist", source, source)


@pytest.mark.usefixtures("three")
def test_destination_below_the_source(source: Path) -> None:
    assert import_dataset("stardist", source, source / "plain").imported == {"training": 2, "test": 1}


@pytest.mark.usefixtures("three")
def test_interrupted_import_leaves_no_dataset_and_can_be_run_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.replace

    def full_at_the_end(part: Path, place: Path) -> Path:
        if place.name == "dataset.json":
            raise OSError(errno.ENOSPC, "no space left on device")
        return rename(part, place)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full_at_the_end)
        with pytest.raises(OSError, match=r"dataset\.json: not written: the disk is full"):
            run("stardist")
    assert (tmp_path / "plain" / "images" / "train_a.png").exists()
    assert not (tmp_path / "plain" / "dataset.json").exists()
    assert run("stardist").report.imported == {"training": 2, "test": 1}


@pytest.mark.usefixtures("three")
def test_full_disk_stops_the_import(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing.shutil, "copyfile", _no_space)
    with pytest.raises(OSError, match="no space"):
        run("stardist")


def _no_space(*arguments: object, **options: object) -> None:
    raise OSError("no space left on device")


def test_nothing_but_failures_is_an_error(run: Run, put: Put, tmp_path: Path) -> None:
    put("train/images/a.png", b"damaged")
    with pytest.raises(ValueError, match=r"no file of .* could be imported:\n.*a.png: cannot be read"):
        run("stardist")
    assert not (tmp_path / "plain" / "dataset.json").exists()
