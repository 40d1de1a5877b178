import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import zarr

from cellseg_monai.data import read_picture
from cellseg_monai.export import write_ome_zarr, write_tiled, write_tiled_tiff

LABELS = np.random.default_rng(0).integers(0, 100_000, (70, 90)).astype(np.int32)


class Watched:
    """An array that notes the largest part that was asked for."""

    def __init__(self, array: np.ndarray) -> None:
        self.array, self.shape, self.dtype, self.largest = array, array.shape, array.dtype, 0

    def __getitem__(self, box: Any) -> np.ndarray:
        self.largest = max(self.largest, self.array[box].size)
        return self.array[box]


@pytest.mark.parametrize("ending", [".tif", ".tiff", ".zarr", ".ome.zarr"])
@pytest.mark.parametrize(
    ("array", "axes"),
    [
        (LABELS, "YX"),
        (LABELS[:33, :16], "YX"),
        (LABELS[None].astype(np.float32), "CYX"),
        (np.stack([LABELS, LABELS + 1]).astype(np.float32), "CYX"),
        (np.stack([LABELS] * 3), "ZYX"),
        (np.stack([np.stack([LABELS] * 3)] * 2).astype(np.float32), "CZYX"),
        (np.zeros((40, 50), np.int32), "YX"),
    ],
    ids=["labels", "small", "one channel", "channels", "volume", "volume of channels", "empty"],
)
def test_is_read_back(array: np.ndarray, axes: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"result{ending}"
    pixels = Watched(array)
    write_tiled(path, pixels, axes, tile=32)
    assert pixels.largest <= 32 * 32
    picture = read_picture(path)
    expected = array if "C" in axes else array[None]
    order = (0, *reversed(range(1, expected.ndim)))
    np.testing.assert_array_equal(picture.channel_first(), expected.transpose(order))
    assert picture.pixels.dtype == array.dtype


@pytest.mark.parametrize("ending", [".tif", ".zarr"])
def test_pixel_size_is_kept(ending: str, tmp_path: Path) -> None:
    for size in [(0.5, 0.25), None, (np.nan, np.nan)]:
        path = tmp_path / f"{size and size[0]}{ending}"
        write_tiled(path, LABELS, pixel_size=size)
        assert read_picture(path).pixel_size == (pytest.approx(size) if size == (0.5, 0.25) else None)


def test_tiff_is_big_tiled_and_compressed(tmp_path: Path) -> None:
    write_tiled_tiff(tmp_path / "a.tif", np.zeros((100, 100), np.int32), tile=16)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages.first
        assert (file.is_bigtiff, page.tile, page.compression.name) == (True, (16, 16), "ADOBE_DEFLATE")
    assert (tmp_path / "a.tif").stat().st_size < 10_000


def test_smaller_sizes_hold_ids_that_are_there(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.zarr", LABELS, pixel_size=(0.5, 0.25), chunk=32)
    metadata = json.loads((tmp_path / "a.zarr/.zattrs").read_text())
    assert metadata["image-label"] == {"version": "0.4"}
    (image,) = metadata["multiscales"]
    assert [axis["name"] for axis in image["axes"]] == ["y", "x"]
    scales = [level["coordinateTransformations"][0]["scale"] for level in image["datasets"]]
    assert scales == [[0.25, 0.5], [0.5, 1.0], [1.0, 2.0]]
    for level in image["datasets"]:
        step = 2 ** int(level["path"])
        array = zarr.open_array(str(tmp_path / "a.zarr" / level["path"]), mode="r")
        np.testing.assert_array_equal(array[:], LABELS[::step, ::step])
        assert array.chunks == tuple(min(32, side) for side in array.shape)


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (
            lambda folder: write_tiled(folder / "a.png", LABELS),
            r"written as \.tif, \.zarr, \.nii, \.nii\.gz, \.nrrd, not \.png",
        ),
        (lambda folder: write_tiled(folder / "a", LABELS), "not no suffix"),
        (lambda folder: write_tiled_tiff(folder / "a.tif", LABELS, tile=100), "a multiple of 16"),
        (lambda folder: write_tiled_tiff(folder / "a.tif", LABELS, axes="XY"), "end with YX, not 'XY'"),
        (lambda folder: write_ome_zarr(folder / "a.zarr", LABELS, axes="CYX"), "not 'CYX'"),
        (lambda folder: write_ome_zarr(folder / "a.zarr", LABELS, chunk=0), "at least 1 pixel, not 0"),
    ],
    ids=["format", "no ending", "tile", "axes", "axes of Zarr", "chunk"],
)
def test_refuses(write: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        write(tmp_path)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    write_ome_zarr(tmp_path / "a.zarr", LABELS)
    with pytest.raises(FileExistsError):
        write_ome_zarr(tmp_path / "a.zarr", LABELS)
