"""Stacks as NIfTI and NRRD: the same voxels at the same place in space, by independent readers."""

from pathlib import Path

import itk
import nibabel
import numpy as np
import pytest

from cellseg_monai.data import read_picture
from cellseg_monai.export import write_volume

STACK = np.arange(3 * 5 * 7).reshape(3, 5, 7)
OBLIQUE = np.array([[0.0, -0.5, 0.1, 30.0], [0.3, 0.0, 0.2, -40.0], [0.05, 0.0, 2.0, 5.0], [0, 0, 0, 1.0]])
DTYPES = [np.uint8, np.uint16, np.int32, np.float32]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_nifti_is_what_nibabel_reads(ending: str, dtype: type, tmp_path: Path) -> None:
    path = tmp_path / f"a{ending}"
    write_volume(path, STACK.astype(dtype), pixel_size=(200.0, 300.0, 2000.0), affine=OBLIQUE)
    image = nibabel.load(path)
    assert image.get_data_dtype() == dtype
    np.testing.assert_array_equal(np.asanyarray(image.dataobj), STACK.T)
    np.testing.assert_allclose(image.affine, OBLIQUE, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_nrrd_is_what_itk_reads(dtype: type, tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nrrd", STACK.astype(dtype), affine=OBLIQUE)
    image = itk.imread(str(tmp_path / "a.nrrd"))
    voxels = itk.array_from_image(image)
    assert voxels.dtype == dtype
    np.testing.assert_array_equal(voxels, STACK)
    for index in ((0, 0, 0), (6, 4, 2), (1, 3, 1)):
        x, y, z, _ = OBLIQUE @ (*index, 1)
        np.testing.assert_allclose(image.TransformIndexToPhysicalPoint(index), (-x, -y, z), rtol=1e-9)


@pytest.mark.parametrize(("unit", "length"), [("micron", 1.0), ("mm", 1e3), ("meter", 1e6)])
def test_the_pixel_size_tells_the_unit_of_the_affine(unit: str, length: float, tmp_path: Path) -> None:
    size = tuple(np.linalg.norm(OBLIQUE[:3, :3], axis=0) * length)
    write_volume(tmp_path / "a.nii", STACK.astype(np.int32), pixel_size=size, affine=OBLIQUE)
    assert nibabel.load(tmp_path / "a.nii").header.get_xyzt_units()[0] == unit
    write_volume(tmp_path / "a.nrrd", STACK.astype(np.int32), pixel_size=size, affine=OBLIQUE)
    spacing = itk.imread(str(tmp_path / "a.nrrd")).GetSpacing()
    np.testing.assert_allclose(spacing, np.array(size) / 1e3, rtol=1e-6)  # in millimetres


@pytest.mark.parametrize("ending", [".nii", ".nii.gz", ".nrrd"])
def test_without_an_affine_the_pixel_size_is_kept(ending: str, tmp_path: Path) -> None:
    write_volume(tmp_path / f"a{ending}", STACK.astype(np.int32), pixel_size=(0.4, 0.5, 2.0))
    picture = read_picture(tmp_path / f"a{ending}")
    assert picture.pixel_size == pytest.approx((0.4, 0.5, 2.0))
    np.testing.assert_array_equal(picture.rows_columns(), STACK)


@pytest.mark.parametrize("ending", [".nii", ".nrrd"])
@pytest.mark.parametrize(("axes", "shape"), [("YX", (5, 7)), ("CYX", (2, 5, 7)), ("CZYX", (2, 3, 5, 7))])
def test_planes_and_channels(ending: str, axes: str, shape: tuple[int, ...], tmp_path: Path) -> None:
    pixels = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    write_volume(tmp_path / f"a{ending}", pixels, axes)
    if ending == ".nii":
        stored = np.asanyarray(nibabel.load(tmp_path / "a.nii").dataobj)
        expected = pixels if "Z" in axes else np.expand_dims(pixels, -3)
        np.testing.assert_array_equal(stored.T, expected)
    else:
        picture = read_picture(tmp_path / "a.nrrd")
        first = picture.channel_first()
        assert first.shape[0] == (2 if "C" in axes else 1)
        np.testing.assert_array_equal(first[-1].T, pixels[-1] if "C" in axes else pixels)


@pytest.mark.parametrize(
    ("name", "axes", "message"),
    [("a.tif", "ZYX", "stacks are written as .nii, .nii.gz, .nrrd"), ("a.nii", "TYX", "supported|from CZYX")],
)
def test_other_formats_and_axes_are_refused(name: str, axes: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=message):
        write_volume(tmp_path / name, STACK, axes)
    assert not list(tmp_path.iterdir())
