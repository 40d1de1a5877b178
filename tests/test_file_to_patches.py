"""Nothing is lost between the file and the patches: the two ground-floor stages together."""

from pathlib import Path
from tempfile import TemporaryDirectory

import imagecodecs
import itk
import nibabel
import numpy as np
import numpy.typing as npt
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from cellseg_monai.data import MicroscopyReader
from cellseg_monai.transforms import covered_shape, pad_end, patch_cover, reassemble

TIFF_LAYOUTS = [
    {},
    {"tile": (16, 16)},
    {"rowsperstrip": 3},
    {"compression": "zlib"},
    {"byteorder": ">"},
    {"planarconfig": "separate"},
]


@st.composite
def files(draw: st.DrawFn) -> tuple[str, npt.NDArray[np.generic], dict]:
    """A format, rows × columns (× channels) that it can hold, and a layout within the format."""
    suffix = draw(st.sampled_from(["tif", "png", "nii.gz", "nrrd", "mha"]))
    dtypes = {
        "tif": ["uint8", "uint16", "int16", "uint32", "int32", "float32", "float64"],
        "png": ["uint8", "uint16"],
    }
    dtype = np.dtype(draw(st.sampled_from(dtypes.get(suffix, ["uint8", "uint16", "int16", "float32"]))))
    colourless = suffix in ("nrrd", "mha") and dtype.kind == "f"
    channels = draw(st.sampled_from([1] if colourless else [1, 3]))
    shape = (draw(st.integers(1, 40)), draw(st.integers(2, 40))) + ((channels,) if channels > 1 else ())
    values = np.random.default_rng(draw(st.integers(0, 99)))
    if dtype.kind == "f":
        pixels = values.normal(0, 1e3, shape).astype(dtype)
    else:
        pixels = values.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    layouts = TIFF_LAYOUTS if channels > 1 else TIFF_LAYOUTS[:-1]
    return suffix, pixels, draw(st.sampled_from(layouts)) if suffix == "tif" else {}


def write(path: Path, pixels: npt.NDArray[np.generic], layout: dict) -> None:
    colour = pixels.ndim == 3
    if path.name.endswith(".tif"):
        stored = np.moveaxis(pixels, -1, 0) if "planarconfig" in layout else pixels
        tifffile.imwrite(path, stored, photometric="rgb" if colour else "minisblack", **layout)
    elif path.name.endswith(".png"):
        path.write_bytes(imagecodecs.png_encode(pixels))
    elif path.name.endswith(".nii.gz"):
        axes = pixels.transpose(1, 0, 2)[:, :, np.newaxis] if colour else pixels.T
        nibabel.save(nibabel.Nifti1Image(axes, np.eye(4)), path)
    elif colour:
        itk.imwrite(itk.image_from_array(pixels, is_vector=True), str(path))
    else:
        itk.imwrite(itk.image_from_array(np.ascontiguousarray(pixels)), str(path))


@settings(max_examples=150)
@given(file=files(), patch_size=st.integers(1, 24))
def test_load_cut_and_reassemble_gives_the_padded_image_bit_for_bit(file: tuple, patch_size: int) -> None:
    suffix, pixels, layout = file
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"image.{suffix}"
        write(path, pixels, layout)
        reader = MicroscopyReader()  # not within LoadImage, which turns uint16 into int32
        image, meta = reader.get_data(reader.read(path))
    image = image[np.newaxis] if np.isnan(meta["original_channel_dim"]) else image
    channel_first = pixels.transpose(2, 1, 0) if pixels.ndim == 3 else pixels.T[np.newaxis]
    padded = pad_end(channel_first, covered_shape(channel_first.shape[1:], patch_size))
    patches, locations = zip(*patch_cover(image, patch_size), strict=True)
    reassembled = reassemble(patches, locations)
    assert reassembled.dtype == pixels.dtype.newbyteorder("=")
    np.testing.assert_array_equal(reassembled, padded)
    np.testing.assert_array_equal(reassemble(patches, locations, channel_first.shape[1:]), channel_first)
