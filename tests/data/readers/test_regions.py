import json
import logging
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import tifffile
import zarr
from PIL import Image

from cellseg_monai.data import ImageRegions, MicroscopyReader, list_items, read_picture

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (50, 70, 3), dtype=np.uint8)
DEEP = RANDOM.integers(0, 65_536, (50, 70), dtype=np.uint16)


def ome_zarr(
    path: Path,
    array: np.ndarray,
    axes: Any = "cyx",
    scale: list[float] | None = None,
    unit: str | None = None,
    version: str = "0.4",
    **more: Any,
) -> Path:
    """Metadata as other software writes it, by hand."""
    described = [{"name": axis, "type": "space"} | ({"unit": unit} if unit else {}) for axis in axes]
    scaling = [{"type": "scale", "scale": scale or [1.0] * array.ndim}]
    image = {"version": version, "axes": described, "datasets": []}
    for level in range(2):
        (path / str(level)).mkdir(parents=True)
        stored = array[..., :: 2**level, :: 2**level]
        header = {
            "zarr_format": 2, "shape": stored.shape, "chunks": [16] * stored.ndim, "dtype": stored.dtype.str,
            "compressor": None, "fill_value": 0, "order": "C", "filters": None, "dimension_separator": "/",
        }  # fmt: skip
        (path / str(level) / ".zarray").write_text(json.dumps(header))
        zarr.open_array(str(path / str(level)), mode="r+")[:] = stored
        image["datasets"].append({"path": str(level), "coordinateTransformations": scaling})
    if axes is None:
        del image["axes"]
    metadata = {"multiscales": [image], **more}
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    (path / ".zattrs").write_text(json.dumps({"ome": metadata} if version == "0.5" else metadata))
    return path


def write(kind: str, folder: Path) -> Path:
    path = folder / "image"
    if kind == "tiled":
        tifffile.imwrite(path.with_suffix(".tif"), DEEP, tile=(16, 16), compression="zlib")
    elif kind == "strips":
        tifffile.imwrite(
            path.with_suffix(".tif"), COLOUR, photometric="rgb", compression="lzw", rowsperstrip=7
        )
    elif kind == "planes":
        tifffile.imwrite(path.with_suffix(".ome.tif"), np.moveaxis(COLOUR, -1, 0), metadata={"axes": "CYX"})
    elif kind == "NIfTI":
        nibabel.save(nibabel.Nifti1Image(DEEP.T, np.eye(4)), path.with_suffix(".nii"))
    elif kind == "scaled NIfTI":
        scaled = nibabel.Nifti1Image(DEEP.T, np.eye(4))
        scaled.header.set_slope_inter(0.5, 3)
        nibabel.save(scaled, path.with_suffix(".nii.gz"))
    elif kind == "volume":
        nibabel.save(nibabel.Nifti1Image(np.stack([DEEP.T] * 4, -1), np.eye(4)), path.with_suffix(".nii"))
    elif kind == "OME-Zarr":
        ome_zarr(path.with_suffix(".ome.zarr"), np.moveaxis(COLOUR, -1, 0))
    elif kind == "OME-Zarr of five axes":
        ome_zarr(path.with_suffix(".zarr"), DEEP[None, None, None], "tczyx")
    else:
        Image.fromarray(COLOUR).save(path.with_suffix(".png"))
    return next(folder.iterdir())


KINDS = (
    "tiled",
    "strips",
    "planes",
    "NIfTI",
    "scaled NIfTI",
    "volume",
    "OME-Zarr",
    "OME-Zarr of five axes",
    "PNG",
)


@pytest.mark.parametrize("kind", KINDS)
def test_parts_are_those_of_the_image_that_the_reader_gives(kind: str, tmp_path: Path) -> None:
    path = write(kind, tmp_path)
    whole = read_picture(path).channel_first()
    image = ImageRegions(path)
    assert image.shape == whole.shape
    assert image.shape[1:3] == (70, 50)
    depth = (slice(0, 2),) if whole.ndim == 4 else ()
    for box in [(slice(None), slice(3, 41), slice(20, 50)), (slice(0, 1), slice(0, 70), slice(49, 50))]:
        part = image[(*box, *depth)]
        assert part.dtype == whole.dtype
        np.testing.assert_array_equal(part, whole[(*box, *depth)])


def test_levels_and_channels_in_several_files(tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.ome.zarr", np.moveaxis(COLOUR, -1, 0))
    half = ImageRegions(path, level=1)
    assert half.shape == (3, 35, 25)
    np.testing.assert_array_equal(half[:, 5:9, 2:3], COLOUR[4:5:2, 10:18:2].T)
    tifffile.imwrite(tmp_path / "b.tif", DEEP[:, :20])
    tifffile.imwrite(tmp_path / "c.tif", DEEP[:, 20:40])
    both = ImageRegions([tmp_path / "b.tif", tmp_path / "c.tif"])
    np.testing.assert_array_equal(both[:, 2:4, 7:9], [DEEP[7:9, 2:4].T, DEEP[7:9, 22:24].T])
    with pytest.raises(ValueError, match=r"c.tif: its size .* differs from .* of .*a.ome.zarr"):
        ImageRegions([path, tmp_path / "c.tif"])


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    path = write("tiled", tmp_path)
    with tifffile.TiffFile(path) as file:
        last = file.pages.first.dataoffsets[-1]
    with path.open("r+b") as stored:
        stored.truncate(last + 1)
    image = ImageRegions(path)
    np.testing.assert_array_equal(image[:, 0:64, 0:48], DEEP[None, :48, :64].swapaxes(1, 2))
    with pytest.raises(ValueError, match=r"image.tif: cannot be read"):
        image[:, 60:70, 40:50]


@pytest.mark.parametrize("size", [None, (0.5, 0.25)], ids=["unknown", "known"])
def test_pixel_size(size: tuple[float, float] | None, tmp_path: Path) -> None:
    scale = [1.0, 250.0, 500.0] if size else None
    path = ome_zarr(tmp_path / "a.zarr", DEEP[None], scale=scale, unit="nanometer" if size else None)
    assert ImageRegions(path).pixel_size == size


@pytest.mark.parametrize("version", ["0.1", "0.4", "0.5"])
def test_versions_of_ome_zarr(version: str, tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", DEEP[None], version=version)
    if version == "0.1":
        metadata = json.loads((path / ".zattrs").read_text())
        del metadata["multiscales"][0]["axes"]
        (path / ".zattrs").write_text(json.dumps(metadata))
    axes = "CYX" if version == "0.1" else None
    np.testing.assert_array_equal(read_picture(path, axes=axes).rows_columns(), DEEP)


def test_channels_of_ome_zarr_have_names(tmp_path: Path) -> None:
    names = {"omero": {"channels": [{"label": "DAPI"}, {"label": "GFP"}]}}
    path = ome_zarr(tmp_path / "a.zarr", np.stack([DEEP, DEEP]), **names)
    assert read_picture(path).channel_names == ("DAPI", "GFP")
    image, meta = MicroscopyReader(level=1).get_data((str(path),))
    assert image.shape == (2, 35, 25)
    assert meta["channel_names"] == "DAPI,GFP"


@pytest.mark.parametrize(
    ("change", "options", "message"),
    [
        ({"plate": {}}, {}, r"has no image \(multiscales\), only plate"),
        ({}, {"level": 2}, "there is no pyramid level 2; choose 0 to 1"),
        ({}, {"axes": "YX"}, "the axes 'YX' do not describe the shape"),
    ],
    ids=["plate", "level", "axes"],
)
def test_what_cannot_be_read_is_told(
    change: dict[str, Any], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = ome_zarr(tmp_path / "a.zarr", DEEP[None])
    if change:
        (path / ".zattrs").write_text(json.dumps(change))
    with pytest.raises(ValueError, match=rf"a\.zarr: cannot be read: .*{message}"):
        ImageRegions(path, **options)


def test_time_lapse_in_ome_zarr_wants_a_choice(tmp_path: Path) -> None:
    path = ome_zarr(tmp_path / "a.zarr", np.stack([DEEP, DEEP + 1]), "tyx")
    with pytest.raises(ValueError, match=r"2 frames of a time-lapse .* select=\{'T': 0\}"):
        ImageRegions(path)
    assert ImageRegions(path, select={"T": 1})[:, 0:1, 0:1] == DEEP[0, 0] + 1


def test_a_file_that_is_decoded_as_a_whole_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cellseg_monai.data.readers.regions._LARGE", 1000)
    for kind, told in {"tiled": False, "scaled NIfTI": True}.items():
        (tmp_path / kind).mkdir()
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            ImageRegions(write(kind, tmp_path / kind))
        assert ("store the image in tiles" in caplog.text) == told


def test_missing_file() -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere.ome.zarr: there is no such file"):
        ImageRegions("nowhere.ome.zarr")


def test_folders_that_are_images_are_listed_and_not_looked_into(tmp_path: Path) -> None:
    ome_zarr(tmp_path / "plate/a.ome.zarr", DEEP[None])
    (tmp_path / "plate/a.ome.zarr/preview.png").touch()
    (tmp_path / "b.tif").touch()
    assert [item["name"] for item in list_items(tmp_path, recursive=True)] == ["b", "plate/a"]
    assert [item["name"] for item in list_items(tmp_path / "plate")] == ["a"]
    (tmp_path / "list.csv").write_text("image\nplate/a.ome.zarr\n")
    assert list_items(tmp_path / "list.csv")[0]["name"] == "a"
