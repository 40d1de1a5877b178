"""The reader inside MONAI: meta, batches, and labels that stock writers put back where they belong."""

from pathlib import Path

import itk
import nibabel
import numpy as np
import pytest
import tifffile
import torch
from monai.data import DataLoader, Dataset, ITKReader, NibabelReader
from monai.data.utils import to_affine_nd
from monai.transforms import Compose, LoadImage, LoadImaged, SaveImage
from PIL import Image

from cellseg_monai.data import MicroscopyReader, read_label_map

ROWS, COLUMNS = 5, 8
PATTERN = np.arange(ROWS * COLUMNS, dtype=np.uint8).reshape(ROWS, COLUMNS)
SUFFIXES = ["tif", "png", "bmp", "nii.gz", "nrrd", "mha"]


def write_pattern(path: Path) -> None:
    """Write with the format's own library; NIfTI and NRRD with a rotated, scaled, shifted space."""
    affine = np.array([[0, -2.0, 0, 7], [3.0, 0, 0, -5], [0, 0, 1, 0], [0, 0, 0, 1]])
    if path.suffix == ".tif":
        tifffile.imwrite(path, PATTERN)
    elif path.suffix in (".png", ".bmp"):
        Image.fromarray(PATTERN).save(path)
    elif path.suffix == ".gz":
        nibabel.save(nibabel.Nifti1Image(PATTERN.T, affine), path)
    else:
        image = itk.image_from_array(PATTERN)
        image.SetSpacing([2.0, 3.0])
        image.SetOrigin([7.0, -5.0])
        image.SetDirection(itk.matrix_from_array(np.array([[0.0, -1.0], [1.0, 0.0]])))
        itk.imwrite(image, str(path))


def load(path: Path, **options: object) -> torch.Tensor:
    return LoadImage(reader=MicroscopyReader(**options), ensure_channel_first=True)(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_array_is_channel_first_and_width_before_height(tmp_path: Path, suffix: str) -> None:
    write_pattern(tmp_path / f"a.{suffix}")
    image = load(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(image.numpy(), PATTERN.T[np.newaxis])
    assert image.meta["spatial_shape"].tolist() == [COLUMNS, ROWS]


@pytest.mark.parametrize("written", ["tif", "png", "nii.gz", "nrrd"])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_stock_writers_give_back_the_size_and_orientation(tmp_path: Path, suffix: str, written: str) -> None:
    write_pattern(tmp_path / f"a.{suffix}")
    label = load(tmp_path / f"a.{suffix}", kind="label")
    save = SaveImage(
        tmp_path, output_postfix="label", output_ext=f".{written}", output_dtype=np.uint8,
        separate_folder=False, print_log=False,
    )  # fmt: skip
    save(label)
    np.testing.assert_array_equal(read_label_map(tmp_path / f"a_label.{written}"), PATTERN)


@pytest.mark.parametrize("written", ["tif", "png", "nii.gz", "nrrd"])
def test_stock_writers_put_back_the_label_of_a_colour_image(tmp_path: Path, written: str) -> None:
    Image.fromarray(np.stack([PATTERN] * 3, axis=-1)).save(tmp_path / "a.png")
    label = load(tmp_path / "a.png")[:1]
    save = SaveImage(
        tmp_path, output_postfix="label", output_ext=f".{written}", output_dtype=np.uint8,
        resample=True, mode="nearest", separate_folder=False, print_log=False,
    )  # fmt: skip
    save(label)
    np.testing.assert_array_equal(read_label_map(tmp_path / f"a_label.{written}"), PATTERN)


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd"])
def test_label_lies_where_the_image_lies(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    write_pattern(path)
    SaveImage(
        tmp_path, output_postfix="label", output_ext=f".{suffix}", separate_folder=False, print_log=False
    )(load(path))
    reader = NibabelReader() if suffix == "nii.gz" else ITKReader()
    _, expected = reader.get_data(reader.read(path))
    _, found = reader.get_data(reader.read(tmp_path / f"a_label.{suffix}"))
    np.testing.assert_allclose(found["affine"], expected["affine"])


@pytest.mark.parametrize("suffix", ["nii.gz", "nrrd", "mha"])
def test_affine_equals_that_of_monai(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    write_pattern(path)
    ours = load(path).affine.numpy()
    stock = LoadImage(reader=NibabelReader if suffix == "nii.gz" else ITKReader, ensure_channel_first=True)(
        path
    )
    np.testing.assert_allclose(ours, to_affine_nd(3, stock.affine.numpy()))


def test_colour_tiff_of_16_bits(tmp_path: Path) -> None:
    values = np.arange(ROWS * COLUMNS * 3, dtype=np.uint16).reshape(ROWS, COLUMNS, 3) * 500
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb")
    np.testing.assert_array_equal(load(tmp_path / "a.tif").numpy(), values.transpose(2, 1, 0))


def test_images_of_all_formats_collate_into_one_batch(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        write_pattern(tmp_path / f"a.{suffix}")
    tifffile.imwrite(tmp_path / "b.tif", PATTERN, resolution=(20_000, 20_000), resolutionunit="CENTIMETER")
    items = [{"image": tmp_path / f"a.{suffix}", "label": tmp_path / f"a.{suffix}"} for suffix in SUFFIXES]
    items.append({"image": tmp_path / "b.tif", "label": tmp_path / "b.tif"})
    transform = Compose(
        [
            LoadImaged("image", reader=MicroscopyReader(), ensure_channel_first=True),
            LoadImaged(
                "label", reader=MicroscopyReader(kind="label"), ensure_channel_first=True, dtype=np.int32
            ),
        ]
    )
    (batch,) = DataLoader(Dataset(items, transform), batch_size=len(items))
    assert batch["image"].shape == (len(items), 1, COLUMNS, ROWS)
    assert batch["label"].dtype == torch.int32
    sizes = batch["image"].meta["pixel_size"]
    assert sizes[-1].tolist() == [0.5, 0.5]
    assert sizes[0].isnan().all()


def test_reader_by_its_dotted_name(tmp_path: Path) -> None:
    write_pattern(tmp_path / "a.png")
    image = LoadImage(reader="cellseg_monai.data.MicroscopyReader", kind="label", ensure_channel_first=True)(
        tmp_path / "a.png"
    )
    assert image.shape == (1, COLUMNS, ROWS)


def test_region_is_noted_in_the_meta(tmp_path: Path) -> None:
    write_pattern(tmp_path / "a.tif")
    image = load(tmp_path / "a.tif", region=((2, 7), (1, 4)))
    np.testing.assert_array_equal(image[0].numpy(), PATTERN[1:4, 2:7].T)
    assert image.meta["region"].tolist() == [2, 7, 1, 4]


def test_several_files_are_channels_of_one_image(tmp_path: Path) -> None:
    write_pattern(tmp_path / "a.tif")
    write_pattern(tmp_path / "b.png")
    tifffile.imwrite(tmp_path / "small.tif", PATTERN[:3])
    assert load([tmp_path / "a.tif", tmp_path / "b.png"]).shape == (2, COLUMNS, ROWS)
    with pytest.raises(
        ValueError, match=r"small\.tif: its size \(8, 3\) differs from the size \(8, 5\) of .*a\.tif"
    ):
        load([tmp_path / "a.tif", tmp_path / "small.tif"])


def test_the_complaint_reaches_the_user_unburied(tmp_path: Path) -> None:
    (tmp_path / "broken.tif").write_bytes(b"nothing")
    with pytest.raises(ValueError, match=r"broken\.tif: cannot be read") as raised:
        load(tmp_path / "broken.tif")
    assert "\n" not in str(raised.value)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind must be 'image' or 'label', not 'mask'"):
        MicroscopyReader(kind="mask")


@pytest.mark.parametrize(("name", "known"), [("a.ome.tif", True), ("A.PNG", True), ("a.txt", False)])
def test_suffixes(name: str, known: bool) -> None:
    assert MicroscopyReader().verify_suffix(name) is known
