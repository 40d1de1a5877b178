"""Every format against the library that wrote it, on images that are not square."""

import subprocess
import sys
from pathlib import Path

import imagecodecs
import itk
import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image

from cellseg_monai.data import read_label_map, read_picture, read_pixels

ROWS, COLUMNS = 6, 10


def ramp(dtype: str, channels: int = 0) -> np.ndarray:
    shape = (ROWS, COLUMNS, channels) if channels else (ROWS, COLUMNS)
    values = np.arange(np.prod(shape)).reshape(shape)
    return (values / 7).astype(dtype) if dtype.startswith("float") else (values % 251).astype(dtype)


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("channels", [0, 3], ids=["grey", "colour"])
@pytest.mark.parametrize("byteorder", ["<", ">"], ids=["little", "big"])
def test_tiff_of_every_depth(tmp_path: Path, dtype: str, channels: int, byteorder: str) -> None:
    expected = ramp(dtype, channels)
    photometric = "rgb" if channels else "minisblack"
    tifffile.imwrite(tmp_path / "a.tif", expected, photometric=photometric, byteorder=byteorder)
    pixels = read_pixels(tmp_path / "a.tif")
    assert pixels.dtype == expected.dtype
    assert pixels.dtype.isnative
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    "layout",
    [
        {"tile": (16, 16)},
        {"rowsperstrip": 2},
        {"compression": "zlib"},
        {"compression": "lzw", "tile": (16, 16), "predictor": True},
        {"planarconfig": "separate"},
        {"bigtiff": True},
    ],
    ids=lambda layout: "-".join(layout),
)
def test_tiff_layouts_give_the_same_pixels_and_regions(tmp_path: Path, layout: dict) -> None:
    path, expected = tmp_path / "a.tif", np.random.default_rng(0).integers(0, 60_000, (37, 53, 3), "uint16")
    stored = np.moveaxis(expected, -1, 0) if "planarconfig" in layout else expected
    tifffile.imwrite(path, stored, photometric="rgb", **layout)
    np.testing.assert_array_equal(read_pixels(path), expected)
    picture = read_picture(path, region=((11, 50), (3, 36)))
    np.testing.assert_array_equal(picture.rows_columns(), expected[3:36, 11:50])
    assert picture.stored_shape == stored.shape


def test_jpeg_compressed_tiff(tmp_path: Path) -> None:
    expected = np.full((32, 48, 3), (200, 100, 50), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", expected, photometric="rgb", compression="jpeg", tile=(16, 16))
    assert np.abs(read_pixels(tmp_path / "a.tif").astype(int) - expected).max() <= 3


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
def test_tiff_alpha_is_no_channel(tmp_path: Path, alpha: str) -> None:
    expected = ramp("uint16", 4)
    tifffile.imwrite(tmp_path / "a.tif", expected, photometric="rgb", extrasamples=[alpha])
    picture = read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(picture.rows_columns(), expected[..., :3])
    assert picture.channel_names == ("red", "green", "blue")


def test_tiff_fourth_measured_sample_is_kept(tmp_path: Path) -> None:
    expected = ramp("uint16", 4)
    tifffile.imwrite(tmp_path / "a.tif", expected, photometric="rgb", extrasamples=["unspecified"])
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.tif"), expected)


def test_tiff_white_is_zero(tmp_path: Path) -> None:
    stored = ramp("uint8")
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="miniswhite")
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.tif"), 255 - stored)
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.tif"), stored)


def test_tiff_palette_is_colour_in_an_image_and_index_in_a_mask(tmp_path: Path) -> None:
    colormap = np.zeros((3, 256), np.uint16)
    colormap[0, 2] = 65_535
    tifffile.imwrite(
        tmp_path / "a.tif", np.array([[0, 2]], np.uint8), photometric="palette", colormap=colormap
    )
    assert read_pixels(tmp_path / "a.tif").tolist() == [[[0, 0, 0], [255, 0, 0]]]
    assert read_label_map(tmp_path / "a.tif").tolist() == [[0, 2]]


def test_one_bit_tiff(tmp_path: Path) -> None:
    expected = ramp("uint8") % 2
    tifffile.imwrite(tmp_path / "a.tif", expected.astype(bool), photometric="minisblack")
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.tif"), expected)


def test_ome_tiff_names_its_channels_and_sizes(tmp_path: Path) -> None:
    expected = np.arange(2 * ROWS * COLUMNS, dtype=np.uint16).reshape(2, ROWS, COLUMNS)
    metadata = {
        "axes": "CYX",
        "PhysicalSizeX": 325.0,
        "PhysicalSizeXUnit": "nm",
        "PhysicalSizeY": 0.65,
        "PhysicalSizeYUnit": "µm",
        "Channel": {"Name": ["DAPI", "GFP"]},
    }
    tifffile.imwrite(tmp_path / "a.ome.tif", expected, metadata=metadata)
    picture = read_picture(tmp_path / "a.ome.tif")
    assert picture.channel_names == ("DAPI", "GFP")
    assert picture.pixel_size == pytest.approx((0.325, 0.65))
    np.testing.assert_array_equal(picture.channel_first(), expected.transpose(0, 2, 1))


def test_volume_keeps_its_depth_last(tmp_path: Path) -> None:
    expected = np.arange(3 * ROWS * COLUMNS, dtype=np.uint16).reshape(3, ROWS, COLUMNS)
    tifffile.imwrite(
        tmp_path / "a.tif", expected, imagej=True, resolution=(4, 2),
        metadata={"axes": "ZYX", "unit": "um", "spacing": 2.0},
    )  # fmt: skip
    picture = read_picture(tmp_path / "a.tif")
    assert picture.channel_first().shape == (1, COLUMNS, ROWS, 3)
    assert picture.pixel_size == pytest.approx((0.25, 0.5, 2.0))
    plane = read_picture(tmp_path / "a.tif", select={"Z": 1})
    np.testing.assert_array_equal(plane.rows_columns(), expected[1])
    assert plane.pixel_size == pytest.approx((0.25, 0.5))


def test_time_lapse_asks_which_frame(tmp_path: Path) -> None:
    movie = np.arange(5 * ROWS * COLUMNS, dtype=np.uint16).reshape(5, ROWS, COLUMNS)
    tifffile.imwrite(tmp_path / "a.tif", movie, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(ValueError, match=r"a\.tif: .*5 frames of a time-lapse .*select=\{'T': 0\}"):
        read_picture(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif", select={"T": 3}).rows_columns(), movie[3])
    with pytest.raises(ValueError, match="T=5 is out of range; choose 0 to 4"):
        read_picture(tmp_path / "a.tif", select={"T": 5})


@pytest.mark.parametrize("metadata", [None, {}], ids=["plain", "of tifffile"])
def test_pages_without_description_must_be_named(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    pages = np.arange(2 * ROWS * COLUMNS, dtype=np.uint8).reshape(2, ROWS, COLUMNS)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack", metadata=metadata)
    with pytest.raises(ValueError, match=r"a\.tif: .* the file has 2 pages .* --axes ZYX .* TYX .* CYX"):
        read_pixels(tmp_path / "a.tif")
    named = read_pixels(tmp_path / "a.tif", axes="CYX")
    np.testing.assert_array_equal(named, np.moveaxis(pages, 0, -1))
    assert read_picture(tmp_path / "a.tif", axes="ZYX").channel_first().shape == (1, COLUMNS, ROWS, 2)
    with pytest.raises(ValueError, match="axes 'YX' do not describe the shape"):
        read_picture(tmp_path / "a.tif", axes="YX")


def test_pyramid_level_and_its_pixel_size(tmp_path: Path) -> None:
    full = np.random.default_rng(0).integers(0, 255, (64, 96, 3), "uint8")
    with tifffile.TiffWriter(tmp_path / "slide.tif") as writer:
        options = {"photometric": "rgb", "tile": (16, 16), "resolutionunit": "CENTIMETER"}
        writer.write(full, subifds=1, resolution=(40_000, 40_000), **options)
        writer.write(full[::2, ::2], subfiletype=1, resolution=(20_000, 20_000), **options)
    half = read_picture(tmp_path / "slide.tif", level=1, region=((8, 40), (0, 16)))
    np.testing.assert_array_equal(half.rows_columns(), full[::2, ::2][0:16, 8:40])
    assert half.pixel_size == pytest.approx((0.5, 0.5))
    with pytest.raises(ValueError, match="no pyramid level 2; choose 0 to 1"):
        read_picture(tmp_path / "slide.tif", level=2)


@pytest.mark.parametrize(("second", "told"), [((12, 20), True), ((3, 4), False)], ids=["image", "thumbnail"])
def test_further_images_in_a_file_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, second: tuple[int, int], told: bool
) -> None:
    with tifffile.TiffWriter(tmp_path / "two.tif") as writer:
        writer.write(ramp("uint8"), metadata=None)
        writer.write(np.zeros(second, np.uint8), metadata=None)
    np.testing.assert_array_equal(read_pixels(tmp_path / "two.tif"), ramp("uint8"))
    assert ("two.tif: contains 1 more images" in caplog.text) is told


def test_aperio_states_micrometres_in_words(tmp_path: Path) -> None:
    description = "Aperio Image Library|AppMag = 40|MPP = 0.2525"
    tifffile.imwrite(tmp_path / "a.svs", ramp("uint8", 3), photometric="rgb", description=description)
    assert read_picture(tmp_path / "a.svs").pixel_size == (0.2525, 0.2525)


@pytest.mark.parametrize(("dots", "expected"), [(96, None), (25_400, 1.0)], ids=["screen", "microscope"])
def test_print_resolution_is_no_pixel_size(tmp_path: Path, dots: int, expected: float | None) -> None:
    tifffile.imwrite(tmp_path / "a.tif", ramp("uint8"), resolution=(dots, dots), resolutionunit="INCH")
    Image.fromarray(ramp("uint8")).save(tmp_path / "a.png", dpi=(dots, dots))
    for path in (tmp_path / "a.tif", tmp_path / "a.png"):
        size = read_picture(path).pixel_size
        assert size is None if expected is None else size == pytest.approx((expected, expected), rel=1e-4)


@pytest.mark.parametrize("suffix", ["png", "bmp"])
@pytest.mark.parametrize("channels", [0, 3], ids=["grey", "colour"])
def test_png_and_bmp(tmp_path: Path, suffix: str, channels: int) -> None:
    expected = ramp("uint8", channels)
    Image.fromarray(expected).save(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(read_pixels(tmp_path / f"a.{suffix}"), expected)


def test_jpeg(tmp_path: Path) -> None:
    Image.new("RGB", (COLUMNS, ROWS), (200, 100, 50)).save(tmp_path / "a.jpeg", quality=95)
    pixels = read_pixels(tmp_path / "a.jpeg")
    assert pixels.shape == (ROWS, COLUMNS, 3)
    assert np.abs(pixels.astype(int) - (200, 100, 50)).max() <= 3


@pytest.mark.parametrize("channels", [0, 2, 3, 4], ids=["grey", "grey-alpha", "colour", "colour-alpha"])
def test_png_of_16_bits_keeps_them(tmp_path: Path, channels: int) -> None:
    stored = ramp("uint16", channels) * 257 + 3
    (tmp_path / "a.png").write_bytes(imagecodecs.png_encode(stored))
    expected = {2: stored[..., 0] if channels else stored, 4: stored[..., :3] if channels else stored}
    np.testing.assert_array_equal(read_pixels(tmp_path / "a.png"), expected.get(channels, stored))


@pytest.mark.parametrize(("mode", "bands"), [("RGBA", 3), ("LA", 0), ("P", 3), ("CMYK", 3)])
def test_pillow_modes_without_alpha(tmp_path: Path, mode: str, bands: int) -> None:
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new("RGBA", (COLUMNS, ROWS), (10, 10, 10, 128)).convert(mode).save(path)
    assert read_pixels(path).shape == ((ROWS, COLUMNS, bands) if bands else (ROWS, COLUMNS))


def test_indexed_and_one_bit_masks_are_their_indices(tmp_path: Path) -> None:
    indices = Image.fromarray(np.array([[0, 1, 7]], np.uint8), mode="P")
    indices.putpalette([90, 0, 0] * 256)
    indices.save(tmp_path / "indexed.png")
    Image.fromarray(np.array([[False, True]])).save(tmp_path / "bit.png")
    assert read_label_map(tmp_path / "indexed.png").tolist() == [[0, 1, 7]]
    assert read_label_map(tmp_path / "bit.png").tolist() == [[0, 1]]


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((10, 6), (1, 10, 6)),
        ((10, 6, 1), (1, 10, 6)),
        ((10, 6, 4), (1, 10, 6, 4)),
        ((10, 6, 1, 3), (3, 10, 6)),
    ],
    ids=["plane", "one-slice", "volume", "channels"],
)
def test_nifti_shapes(tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    image = nibabel.Nifti1Image(values, np.diag([0.002, 0.003, 1, 1]))
    image.header.set_xyzt_units("mm")
    nibabel.save(image, tmp_path / "a.nii.gz")
    picture = read_picture(tmp_path / "a.nii.gz")
    pixels = picture.channel_first()
    assert pixels.shape == expected
    np.testing.assert_array_equal(
        pixels[0].ravel(), (values[..., 0, 0] if len(shape) == 4 else values).ravel()
    )
    assert picture.pixel_size[:2] == pytest.approx((2.0, 3.0))


def test_nifti_colour_voxels_and_unknown_unit(tmp_path: Path) -> None:
    colour = np.zeros((10, 6, 1), [("R", "u1"), ("G", "u1"), ("B", "u1")])
    colour["G"] = 9
    nibabel.save(nibabel.Nifti1Image(colour, np.eye(4)), tmp_path / "a.nii")
    picture = read_picture(tmp_path / "a.nii")
    assert picture.channel_first().shape == (3, 10, 6)
    assert picture.channel_first()[1].min() == 9
    assert picture.pixel_size is None


@pytest.mark.parametrize("suffix", ["nrrd", "mha", "mhd"])
@pytest.mark.parametrize("channels", [0, 3], ids=["grey", "colour"])
def test_nrrd_and_metaimage(tmp_path: Path, suffix: str, channels: int) -> None:
    expected = ramp("uint16", channels)
    image = itk.image_from_array(expected, is_vector=bool(channels))
    image.SetSpacing([0.0005, 0.00025])
    itk.imwrite(image, str(tmp_path / f"a.{suffix}"))
    picture = read_picture(tmp_path / f"a.{suffix}")
    np.testing.assert_array_equal(picture.rows_columns(), expected)
    assert picture.pixel_size == pytest.approx((0.5, 0.25))


def test_region_of_every_other_format(tmp_path: Path) -> None:
    Image.fromarray(ramp("uint8")).save(tmp_path / "a.png")
    region = read_picture(tmp_path / "a.png", region=((2, 9), (1, 4)))
    np.testing.assert_array_equal(region.rows_columns(), ramp("uint8")[1:4, 2:9])


@pytest.mark.parametrize("region", [((0, 11), (0, 6)), ((-1, 4), (0, 6)), ((3, 3), (0, 6)), ((0, 5), (2, 7))])
@pytest.mark.parametrize("suffix", ["tif", "png"])
def test_region_outside_the_image_is_refused(tmp_path: Path, region: tuple, suffix: str) -> None:
    Image.fromarray(ramp("uint8")).save(tmp_path / f"a.{suffix}")
    with pytest.raises(ValueError, match=rf"a\.{suffix}: .* is not inside the image"):
        read_picture(tmp_path / f"a.{suffix}", region=region)


@pytest.mark.parametrize("layout", ["tiled", "contiguous"])
def test_region_of_a_large_tiff_leaves_the_rest_on_disk(tmp_path: Path, layout: str) -> None:
    side, path = 10_000, tmp_path / "slide.tif"
    if layout == "tiled":
        tiles = (np.full((1008, 1008), 7, np.uint16) for _ in range(10 * 10))
        options = {"shape": (side, side), "dtype": "uint16", "tile": (1008, 1008), "compression": "zlib"}
        tifffile.imwrite(path, tiles, **options)
    else:
        tifffile.memmap(path, shape=(side, side), dtype="uint16")[5000:5256, 5000:5512] = 7
    script = """
import resource, sys
from cellseg_monai.data import read_picture
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
read_picture(sys.argv[1], region=((0, 16), (0, 16)))
before = peak()
pixels = read_picture(sys.argv[1], region=((5000, 5512), (5000, 5256))).pixels
assert pixels.shape == (256, 512, 1) and (pixels == 7).all(), pixels
print(peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    grown_megabytes, whole_megabytes = float(done.stdout), side * side * 2 / 2**20
    assert grown_megabytes < whole_megabytes / 10


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.tif: there is no such file"):
        read_picture(tmp_path / "nowhere.tif")


def test_unknown_format(tmp_path: Path) -> None:
    (tmp_path / "a.xyz").write_bytes(b"")
    with pytest.raises(ValueError, match=r"a\.xyz: .*the format is not supported; use one of \.tif"):
        read_picture(tmp_path / "a.xyz")


@pytest.mark.parametrize("suffix", ["tif", "png", "jpg", "nii.gz", "nii", "nrrd", "mha"])
@pytest.mark.parametrize("content", [b"", b"this is not an image" * 20], ids=["empty", "text"])
def test_broken_file_is_named(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"broken.{suffix}").write_bytes(content)
    with pytest.raises(ValueError, match=rf"broken\.{suffix}: cannot be read: \w+"):
        read_picture(tmp_path / f"broken.{suffix}")


@pytest.mark.parametrize("suffix", ["tif", "png"])
def test_truncated_file_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), "uint8")
    if suffix == "tif":
        tifffile.imwrite(path, noise, compression="zlib", tile=(16, 16))
    else:
        Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:-1500])
    with pytest.raises(ValueError, match=rf"cut\.{suffix}: cannot be read"):
        read_picture(path)


def test_mask_in_colours_is_refused(tmp_path: Path) -> None:
    Image.fromarray(ramp("uint8", 3)).save(tmp_path / "mask.png")
    with pytest.raises(
        ValueError, match=r"mask\.png: a mask must have one channel, but this one has 3 that differ"
    ):
        read_label_map(tmp_path / "mask.png")
    grey = np.repeat(ramp("uint8")[..., np.newaxis], 3, axis=-1)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_label_map(tmp_path / "grey.png"), ramp("uint8"))


def test_mask_of_several_planes_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "mask.tif", np.zeros((3, 6, 10), np.uint16), imagej=True, metadata={"axes": "ZYX"}
    )
    with pytest.raises(ValueError, match=r"mask\.tif: a mask must be one plane, but this file has 3"):
        read_label_map(tmp_path / "mask.tif")


def test_interpolated_mask_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "mask.tif", np.array([[0, 0.5, 1]], np.float32))
    with pytest.raises(
        ValueError, match=r"mask\.tif: the value 0\.5 is not an object id: .*nearest-neighbour"
    ):
        read_label_map(tmp_path / "mask.tif")


def test_small_real_images_and_masks_are_read(real_images: Path) -> None:
    for folder in ("nuclei/train", "nuclei/test", "large_nuclei", "tissue"):
        for image in (real_images / folder / "images").iterdir():
            mask = real_images / folder / "masks" / f"{image.stem}.png"
            assert read_label_map(mask).shape == read_pixels(image).shape[:2], image


def test_every_real_image_and_mask_is_read(real_data: Path) -> None:
    for folder in ("tasks/nuclei", "tasks/phase", "tasks/filaments", "neurites", "multimodal"):
        for image in sorted((real_data / folder / "train" / "images").iterdir())[::5]:
            (mask,) = (real_data / folder / "train" / "masks").glob(f"{image.stem}.*")
            assert read_label_map(mask).shape == read_pixels(image).shape[:2], image
