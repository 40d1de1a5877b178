"""Frames, planes and channels of every format: named by the file or by the user, chosen, or refused."""

import re
from pathlib import Path
from typing import Any

import itk
import nibabel
import numpy as np
import pytest
import tifffile
from monai.transforms import LoadImage

from cellseg_monai.data import ImageRegions, MicroscopyReader, Reading, read_label_map, read_picture
from cellseg_monai.export import write_ome_zarr

STACK = np.random.default_rng(0).integers(0, 255, (5, 12, 16)).astype(np.uint8)
TWO = np.stack([STACK[0], STACK[1]])


def written(folder: Path, kind: str, pixels: np.ndarray, axes: str) -> Path:
    """A file whose axes are named as its format names them, if it does."""
    path = folder / {"zarr": "a.ome.zarr", "nii": "a.nii.gz", "nrrd": "a.nrrd"}.get(kind, "a.tif")
    if kind == "imagej":
        tifffile.imwrite(path, pixels, imagej=True, metadata={"axes": axes})
    elif kind == "ome":
        tifffile.imwrite(path, pixels, ome=True, metadata={"axes": axes})
    elif kind == "plain":
        tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None)
    elif kind == "zarr":
        write_ome_zarr(path, pixels, axes)
    elif kind == "nii":
        nibabel.save(nibabel.Nifti1Image(pixels.T, np.eye(4)), path)
    else:
        itk.imwrite(itk.image_from_array(pixels), str(path))
    return path


def declared(kind: str, axes: str) -> dict[str, Any]:
    """What the user must say, as the file does not."""
    if kind == "plain" or (kind == "nrrd" and axes != "ZYX"):
        return {"axes": axes}
    return {"axes": axes[::-1]} if kind == "nii" and axes != "ZYX" else {}


KINDS = ["imagej", "ome", "plain", "zarr", "nii", "nrrd"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("axes", "third"), [("ZYX", "Z"), ("TYX", "T")])
def test_a_plane_or_frame_is_chosen(kind: str, axes: str, third: str, tmp_path: Path) -> None:
    path, said = written(tmp_path, kind, STACK, axes), declared(kind, axes)
    chosen = read_picture(path, select={third: 3}, **said)
    np.testing.assert_array_equal(chosen.rows_columns(), STACK[3])
    np.testing.assert_array_equal(read_label_map(path, select={third: 3}, force=True, **said), STACK[3])
    whole = ImageRegions(path, movie=True, **said)
    assert whole.axes == f"CXY{third}"
    assert whole.shape == (1, 16, 12, 5)
    box = (slice(0, 1), slice(2, 9), slice(1, 7), slice(2, 4))
    np.testing.assert_array_equal(whole[box], STACK.T[None][box])
    if third == "T":
        with pytest.raises(
            ValueError, match=r"5 frames of a time-lapse along T .* choose one with --frame 0"
        ):
            read_picture(path, **said)
    with pytest.raises(ValueError, match=f"{third}=5 is out of range; choose 0 to 4"):
        read_picture(path, select={third: 5}, **said)


@pytest.mark.parametrize("kind", ["imagej", "ome", "zarr"])
def test_a_movie_of_stacks_needs_a_choice(kind: str, tmp_path: Path) -> None:
    pixels = np.arange(3 * 4 * 8 * 10, dtype=np.uint8).reshape(3, 4, 8, 10)
    path = written(tmp_path, kind, pixels, "TZYX")
    with pytest.raises(ValueError, match=r"3 frames of 4 planes .* --frame 0 or a plane with --z 0"):
        ImageRegions(path, movie=True)
    stack = ImageRegions(path, select={"T": 2}, movie=True)
    np.testing.assert_array_equal(stack[tuple(map(slice, stack.shape))], pixels[2].T[None])
    movie = ImageRegions(path, select={"Z": 1}, movie=True)
    assert movie.axes == "CXYT"
    np.testing.assert_array_equal(movie[tuple(map(slice, movie.shape))], pixels[:, 1].T[None])


@pytest.mark.parametrize("kind", ["imagej", "ome", "plain", "zarr"])
@pytest.mark.parametrize("channels", [1, [1, 0]])
def test_channels_are_chosen_by_number(kind: str, channels: Any, tmp_path: Path) -> None:
    path, said = written(tmp_path, kind, TWO, "CYX"), declared(kind, "CYX")
    expected = TWO[np.atleast_1d(channels)].swapaxes(1, 2)
    np.testing.assert_array_equal(read_picture(path, channels=channels, **said).channel_first(), expected)
    load = LoadImage(reader=MicroscopyReader(channels=channels, **said), ensure_channel_first=True)
    np.testing.assert_array_equal(load(path), expected)
    regions = ImageRegions(path, channels=channels, **said)
    assert regions.shape == expected.shape
    np.testing.assert_array_equal(regions[:, 2:5, 0:4], expected[:, 2:5, :4])
    with pytest.raises(
        ValueError, match=rf"{re.escape(path.name)}: there is no channel 2; choose from 0 to 1"
    ):
        read_picture(path, channels=2, **said)


def test_channels_are_chosen_by_name(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    tifffile.imwrite(path, TWO, metadata={"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}})
    picture = read_picture(path, channels="gfp")
    np.testing.assert_array_equal(picture.rows_columns(), TWO[1])
    assert picture.channel_names == ("GFP",)
    load = LoadImage(reader=MicroscopyReader(channels=["GFP"]), ensure_channel_first=True)
    assert load(path).meta["channel_names"] == "GFP"
    for read in (MicroscopyReader(channels="RFP").get_data, ImageRegions):
        options = {"channels": "RFP"} if read is ImageRegions else {}
        with pytest.raises(
            ValueError, match="there is no channel RFP; choose from 0 to 1, or by name: dapi, gfp"
        ):
            read([str(path)], **options)


def test_files_of_one_image_are_its_channels(tmp_path: Path) -> None:
    for name, plane in zip("ab", TWO, strict=True):
        tifffile.imwrite(tmp_path / f"{name}.tif", plane)
    files = [str(tmp_path / "a.tif"), str(tmp_path / "b.tif")]
    second, _ = MicroscopyReader(channels=1).get_data(files)
    np.testing.assert_array_equal(second, TWO[1].T)
    np.testing.assert_array_equal(ImageRegions(files, channels=1)[:, 0:16, 0:12], TWO[1:].swapaxes(1, 2))


def test_colours_are_channels_with_names(tmp_path: Path) -> None:
    colour = np.random.default_rng(0).integers(0, 255, (9, 7, 3)).astype(np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", colour, photometric="rgb")
    green = read_picture(tmp_path / "a.tif", channels="green").rows_columns()
    np.testing.assert_array_equal(green, colour[..., 1])


def test_an_axis_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = written(tmp_path, "imagej", STACK, "ZYX")
    with pytest.raises(ValueError, match=r"there is no axis T .* --axes TYX"):
        read_picture(path, select={"T": 0})
    np.testing.assert_array_equal(read_picture(path, axes="TYX", select={"T": 1}).rows_columns(), STACK[1])


def test_a_mask_of_several_planes_names_the_choice(tmp_path: Path) -> None:
    path = written(tmp_path, "imagej", STACK, "ZYX")
    with pytest.raises(
        ValueError, match="a mask must be one plane, but this file has 5; choose one with --z 0"
    ):
        read_label_map(path)


def test_a_reading_is_the_options_of_the_readers() -> None:
    reading = Reading(axes="TCYX", frame=2, channels=[0])
    assert reading.options == {"axes": "TCYX", "select": {"T": 2}, "channels": [0]}
    assert reading.place == {"axes": "TCYX", "select": {"T": 2}}
    assert Reading().options == {}
