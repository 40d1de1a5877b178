"""Annotations and files of microscopes in a dataset are findings with the command that helps."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellseg_monai.cli import main
from cellseg_monai.data import check_dataset, list_items, pair_folder
from cellseg_monai.data.pairing import label_files

FILES = {
    "a.roi": b"Iout",
    "a.geojson": b'{"type": "FeatureCollection", "features": []}',
    "coco.json": b'{"images": [], "annotations": []}',
    "a.json": b'{"shapes": [], "imagePath": "a.tif"}',
    "annotations.xml": b"<annotations><image/></annotations>",
    "a.csv": b"index,shape-type,vertex-index,axis-0,axis-1\n",
    "a_seg.npy": b"",
    "a.seg.nrrd": b"",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 4000, (32, 32)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "images/a.tif", pixels)
    return tmp_path


@pytest.mark.parametrize("place", ["masks", "images", ""], ids=["masks", "images", "beside"])
@pytest.mark.parametrize("name", FILES)
def test_annotations_alone_are_an_error(
    folder: Path, name: str, place: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / place).mkdir(exist_ok=True)
    (folder / place / name).write_bytes(FILES[name])
    assert main(["data", "check", str(folder)]) == 1
    text = capsys.readouterr().out
    assert f"{name}: holds annotations (" in text
    assert f"cellseg data import annotations {folder} DST" in text


def test_beside_masks_they_are_a_warning_and_those_of_cellpose_none(folder: Path) -> None:
    (folder / "masks").mkdir()
    labels = np.zeros((32, 32), np.uint8)
    labels[5:15, 5:15], labels[5:15, 15:25] = 1, 2
    tifffile.imwrite(folder / "masks/a.tif", labels)
    (folder / "images/a_seg.npy").write_bytes(b"")
    assert not check_dataset(folder).findings
    (folder / "masks/a.geojson").write_bytes(FILES["a.geojson"])
    (finding,) = check_dataset(folder).findings
    assert (finding.severity.value, finding.check) == ("warning", "annotations")


def test_other_files(folder: Path) -> None:
    (folder / "images/b.vsi").write_bytes(b"II")
    (folder / "masks").mkdir()
    (folder / "masks/a.csv").write_text("x,y\n1,2\n")
    (folder / "masks/b.json").write_text("{")
    findings = {Path(finding.file).name: str(finding) for finding in check_dataset(folder).findings}
    assert (
        "is a file of a microscope (.vsi), which is not read; open it in Fiji and save it as TIFF"
        in findings["b.vsi"]
    )
    assert "it is neither a mask nor annotations in a known format; save masks as PNG" in findings["a.csv"]
    assert "invalid JSON" in findings["b.json"]


def test_annotations_beside_parts(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part / "images").mkdir(parents=True)
        pixels = np.random.default_rng(len(part)).integers(0, 4000, (32, 32)).astype(np.uint16)
        tifffile.imwrite(tmp_path / part / "images/a.tif", pixels)
    (tmp_path / "coco.json").write_bytes(FILES["coco.json"])
    assert [finding.check for finding in check_dataset(tmp_path).findings] == ["annotations"]


def test_masks_without_a_mask_do_not_hide_labels(folder: Path) -> None:
    (folder / "masks").mkdir()
    (folder / "masks/a.zip").write_bytes(b"")
    (folder / "labels").mkdir()
    tifffile.imwrite(folder / "labels/a.tif", np.ones((32, 32), np.uint8))
    assert pair_folder(folder).pairs[0][2] == folder / "labels/a.tif"
    assert label_files(folder) == {"a": folder / "labels/a.tif"}


@pytest.mark.parametrize("name", ["coco.json", "a.json", "a.csv", "annotations.xml"])
def test_annotations_are_no_list_of_images(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    with pytest.raises(ValueError, match=rf"{name}: holds annotations .* cellseg data import annotations"):
        list_items(tmp_path / name)


def test_file_of_a_microscope_as_input(folder: Path) -> None:
    (folder / "a.oir").write_bytes(b"")
    (folder / "list.json").write_text(json.dumps({"training": ["a.oir"]}))
    (finding,) = check_dataset(folder / "list.json").findings
    assert "is a file of a microscope (.oir), which is not read; open it in Fiji" in finding.message


def dataset(root: Path) -> None:
    """Two images with masks in ``images/`` and ``masks/``."""
    for name in "ab":
        for folder, pixels in {"images": PIXELS + ord(name), "masks": CELLS}.items():
            write(root / folder / f"{name}.tif", pixels)


PIXELS = np.random.default_rng(1).integers(0, 4000, (32, 32)).astype(np.uint16)
CELLS = np.zeros((32, 32), np.uint8)
CELLS[5:15, 5:15], CELLS[5:15, 15:25] = 1, 2


def write(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, pixels)


UNUSED = {
    "c.tif": ("warning", "{file}: it is beside images/; move it into images/"),
    "images/day1/c.tif": (
        "warning",
        "{folder}: it has 1 image that nothing uses, as they are in a sub-folder; to check them: "
        "cellseg data check {root} --recursive",
    ),
    "labels/a.tif": (
        "note",
        "{folder}: it has 1 image that nothing uses; to compare it with the masks in use: "
        "cellseg evaluate --pred {folder} --truth {root} --out SCORES",
    ),
    "more/c.tif": (
        "note",
        "{folder}: it has 1 image that nothing uses; to segment them: cellseg predict MODEL "
        "{folder} --out RESULT",
    ),
    "images/c.webp": (
        "warning",
        "{file}: files of this kind (.webp) are not read; save images as PNG or TIFF",
    ),
}


@pytest.mark.parametrize("name", UNUSED)
def test_files_that_are_not_used(name: str, tmp_path: Path) -> None:
    dataset(tmp_path)
    assert not check_dataset(tmp_path).findings
    write(tmp_path / name, PIXELS)
    severity, text = UNUSED[name]
    (finding,) = check_dataset(tmp_path).findings
    file = tmp_path / name
    told = text.format(file=file, folder=file.parent, root=tmp_path)
    assert str(finding).startswith(f"{severity}: {told}")
    if "day1" in name:
        assert len(check_dataset(tmp_path, recursive=True).images) == 3


def test_files_that_the_list_does_not_have(tmp_path: Path) -> None:
    dataset(tmp_path)
    listed = {"training": [{"image": "images/a.tif", "label": "masks/a.tif"}]}
    (tmp_path / "dataset.json").write_text(json.dumps(listed))
    files = [str(finding).split(";")[0] for finding in check_dataset(tmp_path).findings]
    assert files == [
        f"warning: {tmp_path / folder / 'b.tif'}: dataset.json does not list it"
        for folder in ("images", "masks")
    ]


def test_a_folder_beside_parts(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
        dataset(tmp_path / part)
    for name in "ab":
        write(tmp_path / "test/images" / f"{name}.tif", PIXELS * 2 + ord(name))
    write(tmp_path / "raw/c.tif", PIXELS)
    write(tmp_path / "train/raw/c.tif", PIXELS)
    files = {Path(finding.file) for finding in check_dataset(tmp_path).findings}
    assert files == {tmp_path / "raw", tmp_path / "train/raw"}


def test_results_of_earlier_runs_are_not_unused_images(tmp_path: Path) -> None:
    dataset(tmp_path)
    words = ["convert", str(tmp_path / "masks"), "--to", "tiff", "--out", str(tmp_path / "converted")]
    assert main(words) == 0
    assert not check_dataset(tmp_path).findings


def test_labels_win_over_masks_that_cannot_be_read(tmp_path: Path) -> None:
    dataset(tmp_path)
    write(tmp_path / "labels/a.tif", CELLS)
    assert pair_folder(tmp_path).pairs[0][2] == tmp_path / "masks/a.tif"
    for name in "ab":
        write(tmp_path / f"masks/{name}.tif", PIXELS)
        write(tmp_path / f"labels/{name}.tif", CELLS)
    assert pair_folder(tmp_path).pairs[0][2] == tmp_path / "labels/a.tif"
    assert label_files(tmp_path)["a"] == tmp_path / "labels/a.tif"
