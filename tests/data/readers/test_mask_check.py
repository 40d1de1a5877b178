"""Images that are given as masks."""

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from tifffile import imwrite

from cellseg_monai.data import read_label_map
from cellseg_monai.data.readers.mask_check import looks_like_an_image

REFUSED = (
    r"looks like a microscope image and not like a label map|"
    r"a mask must have one channel, but this one has \d that differ|"
    r"a mask must be one plane"
)


def raw_and_masks(root: Path) -> tuple[list[Path], list[Path]]:
    """All raw images and all label maps of the datasets."""
    files = [path for path in sorted(root.rglob("*")) if path.suffix in (".png", ".tif", ".jpg", ".bmp")]
    files = [path for path in files if "layouts" not in path.parts]  # one file for each object
    raw = [path for path in files if {path.parent.name, path.parent.parent.name} & {"images", "01"}]
    masks = [path for path in files if path not in set(raw) and path.parent.name != "original_files"]
    return raw, masks


def refusal(path: Path) -> str:
    try:
        read_label_map(path)
    except ValueError as error:
        return str(error)
    return ""


def refused(paths: list[Path]) -> list[Path]:
    return [path for path in paths if re.search(REFUSED, refusal(path))]


def accepted(paths: list[Path]) -> list[Path]:
    return [path for path in paths if not refusal(path)]


def test_some_of_each_dataset(real_data: Path) -> None:
    raw, masks = raw_and_masks(real_data)
    raw, masks = raw[::25], masks[::25]
    assert len(raw) > 30
    assert refused(raw) == raw
    assert accepted(masks) == masks


@pytest.mark.slow  # reads two thousand files
def test_no_raw_image_is_accepted_and_each_label_map_is(real_data: Path) -> None:
    raw, masks = raw_and_masks(real_data)
    assert len(raw) >= 500
    assert len(masks) >= 500
    assert refused(raw) == raw
    assert accepted(masks) == masks


def tiles(side: int, size: int = 120) -> npt.NDArray[np.int32]:
    """Cells without background between them."""
    rows, columns = np.indices((size, size)) // side
    return (1 + rows * (size // side) + columns).astype(np.int32)


def dots() -> npt.NDArray[np.int32]:
    labels = np.zeros((200, 200), np.int32)
    labels[::4, ::4] = tiles(1, 50)
    return labels


def classes(count: int) -> npt.NDArray[np.int32]:
    return np.random.default_rng(0).integers(1, count + 1, (20, 20), np.int32).repeat(8, 0).repeat(8, 1)


@pytest.mark.parametrize(
    "labels",
    [tiles(6), tiles(3), tiles(2), dots(), classes(30), np.ones((50, 50), np.int32)],
    ids=["cells", "small cells", "tiny cells", "dots", "classes", "one cell"],
)
def test_masks(labels: npt.NDArray[np.int32]) -> None:
    assert not looks_like_an_image(labels)
    assert not looks_like_an_image(labels[None])


GENERATOR = np.random.default_rng(0)
NOISE = GENERATOR.integers(1, 65_536, (100, 100)).astype(np.int32)
WAVES = 100 + 60 * np.sin(np.add.outer(*(np.arange(200) / 9,) * 2))
SMOOTH = GENERATOR.poisson(WAVES).astype(np.int32)
FEW_LEVELS = GENERATOR.poisson(8, (100, 100)).astype(np.int32)


@pytest.mark.parametrize(
    "pixels",
    [NOISE, NOISE[:20, :20], SMOOTH, FEW_LEVELS, np.stack([SMOOTH, SMOOTH])],
    ids=["16 bits", "small", "smooth", "few grey levels", "volume"],
)
def test_images(pixels: npt.NDArray[np.int32]) -> None:
    assert looks_like_an_image(pixels)


def test_an_image_as_mask_is_told(tmp_path: Path) -> None:
    imwrite(tmp_path / "a.tif", NOISE)
    with pytest.raises(ValueError, match=r"a\.tif: looks like a microscope image and not like a label map"):
        read_label_map(tmp_path / "a.tif")
    np.testing.assert_array_equal(read_label_map(tmp_path / "a.tif", force=True), NOISE)
