"""The limit to the memory of an image: by the variable, the formats that are refused, and the sentence."""

import io
from collections.abc import Callable
from pathlib import Path

import itk
import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from cellseg_monai import polygons
from cellseg_monai.annotations import read_annotations
from cellseg_monai.data import read_label_map, read_picture
from cellseg_monai.memory import MEMORY, TooLarge, require_room, usable

SIDE = 1000
IMAGE = np.zeros((SIDE, SIDE), np.uint8)


def _zarr(path: Path) -> None:
    group = zarr.open_group(path, mode="w")
    group.create_array("0", data=IMAGE, chunks=(100, 100))
    axes = [{"name": name, "type": "space"} for name in "yx"]
    group.attrs["ome"] = {"multiscales": [{"axes": axes, "datasets": [{"path": "0"}]}]}


WRITERS: dict[str, Callable[[Path], object]] = {
    "strips.tif": lambda path: tifffile.imwrite(path, IMAGE, compression="zlib", rowsperstrip=10),
    "tiles.tif": lambda path: tifffile.imwrite(path, IMAGE, compression="zlib", tile=(64, 64)),
    "piece.tif": lambda path: tifffile.imwrite(path, IMAGE, compression="zlib", rowsperstrip=SIDE),
    "plain.tif": lambda path: tifffile.imwrite(path, IMAGE),
    "a.png": lambda path: Image.fromarray(IMAGE).save(path),
    "a.jpg": lambda path: Image.fromarray(IMAGE).save(path),
    "a.bmp": lambda path: Image.fromarray(IMAGE).save(path),
    "a.nii": lambda path: nibabel.save(nibabel.Nifti1Image(IMAGE, np.eye(4)), path),
    "a.nii.gz": lambda path: nibabel.save(nibabel.Nifti1Image(IMAGE, np.eye(4)), path),
    "a.nrrd": lambda path: itk.imwrite(itk.image_from_array(IMAGE), str(path)),
    "a.mha": lambda path: itk.imwrite(itk.image_from_array(IMAGE), str(path)),
    "a.ome.zarr": _zarr,
}
READ_IN_PARTS = ("strips.tif", "tiles.tif", "plain.tif", "a.nii", "a.nii.gz", "a.ome.zarr")


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image may take an eighth of 16 MB, which is half of what the images of the tests take."""
    monkeypatch.setenv(MEMORY, "0.016")


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.usefixtures("little_memory")
def test_an_image_that_is_too_large_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    remedy = "cellseg predict segments it in parts" if name in READ_IN_PARTS else "save it as a tiled TIFF"
    sentence = rf"{name}: cannot be read: 1,000 × 1,000 pixels take 0.0 GB, but .* {remedy}.* set {MEMORY}"
    for read in (read_picture, read_label_map):
        with pytest.raises(ValueError, match=sentence):
            read(path)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.usefixtures("little_memory")
def test_a_region_is_read_where_that_takes_little(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    WRITERS[name](path)
    region = ((0, 20), (0, 10))
    if name in READ_IN_PARTS:
        assert read_picture(path, region=region).pixels.shape[:2] == (10, 20)
    else:
        with pytest.raises(ValueError, match="save it as a tiled TIFF"):
            read_picture(path, region=region)


@pytest.mark.parametrize("name", WRITERS)
def test_the_same_images_are_read_with_usual_memory(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(MEMORY, "0.1")
    WRITERS[name](tmp_path / name)
    assert read_picture(tmp_path / name).pixels.size == IMAGE.size


def test_a_header_that_claims_too_much_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    stored = io.BytesIO()
    tifffile.imwrite(stored, np.zeros((16, 16), np.uint8), compression="zlib", bigtiff=False)
    content = bytearray(stored.getvalue())
    with tifffile.TiffFile(io.BytesIO(content)) as file:
        for tag in ("ImageWidth", "ImageLength", "RowsPerStrip"):
            place = file.pages.first.tags[tag]
            content[place.offset + 2 : place.offset + 4] = b"\4\0"  # 32 bits
            content[place.offset + 8 : place.offset + 12] = (10**9).to_bytes(4, "little")
    (tmp_path / "claims.tif").write_bytes(content)
    with pytest.raises(ValueError, match="1,000,000,000 × 1,000,000,000 pixels take"):
        read_picture(tmp_path / "claims.tif")


@pytest.mark.usefixtures("little_memory")
def test_outlines_of_an_image_that_is_too_large(tmp_path: Path) -> None:
    with pytest.raises(TooLarge, match="check the size"):
        polygons.fill([], (SIDE, SIDE))
    path = tmp_path / "coco.json"
    path.write_text(
        '{"images": [{"id": 1, "file_name": "a", "width": 1000, "height": 1000}], '
        '"annotations": [{"image_id": 1, "segmentation": {"size": [1000, 1000], "counts": [1000000]}}]}'
    )
    with pytest.raises(
        ValueError, match=r"coco.json: a: a segmentation cannot be read: 1,000,000 pixels take"
    ):
        read_annotations(path)


@pytest.mark.parametrize("given", ["much", "0", "-1", "nan", "inf"])
def test_a_variable_that_is_not_a_size(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY, given)
    with pytest.raises(
        ValueError, match=f"{MEMORY} must be a number of gigabytes, such as 64, not '{given}'"
    ):
        require_room((1, 1))


def test_without_the_variable_the_memory_is_that_of_the_machine() -> None:
    assert 10**8 < usable({}) < 10**14
