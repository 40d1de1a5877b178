from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellseg_monai.data.layouts._pixels import read_label_map, read_pixels


def test_palette_gives_indices(source: Path) -> None:
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8), mode="P")
    picture.putpalette([0, 0, 0, 200, 30, 30, 30, 200, 30])
    picture.save(source / "a.png")
    np.testing.assert_array_equal(read_label_map(source / "a.png"), [[0, 1], [2, 1]])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int32", "float32", "bool"])
def test_labels_are_int32(put: Callable[..., Path], dtype: str) -> None:
    labels = read_label_map(put("a.tif", [[0, 1], [1, 1]], dtype))
    assert labels.dtype == np.int32
    np.testing.assert_array_equal(labels, [[0, 1], [1, 1]])


def test_16_bit_png(put: Callable[..., Path]) -> None:
    assert read_label_map(put("a.png", [[0, 300]], "uint16")).max() == 300


def test_grey_rgba_is_a_label_map_and_its_transparency_is_not(put: Callable[..., Path]) -> None:
    path = put("a.png", [[[9, 9, 9, 255], [0, 0, 0, 255]]])
    np.testing.assert_array_equal(read_label_map(path), [[9, 0]])


def test_planes_of_colours_come_last(source: Path) -> None:
    planes = np.arange(24, dtype=np.uint8).reshape(3, 2, 4)
    tifffile.imwrite(source / "a.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read_pixels(source / "a.tif"), np.moveaxis(planes, 0, -1))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.png", [[[1, 2, 3], [0, 0, 0]]], "a.png is a colour picture"),
        ("a.tif", [[0.0, 0.5]], "a.tif: the value 0.5 is no object id"),
        (
            "a.tif",
            np.zeros((5, 4, 6)),
            r"a.tif cannot be read: it holds a volume or a stack of shape \(5, 4, 6\)",
        ),
        ("a.tif", b"not a TIFF", "a.tif cannot be read"),
        ("a.png", b"not a PNG", "a.png cannot be read"),
    ],
    ids=["colours", "interpolated", "volume", "broken TIFF", "broken PNG"],
)
def test_what_is_no_label_map(put: Callable[..., Path], name: str, content: object, message: str) -> None:
    dtype = "float32" if name == "a.tif" else "uint8"
    with pytest.raises(ValueError, match=message):
        read_label_map(put(name, content, dtype))
