from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from monai.data import MetaTensor
from monai.transforms import LoadImage, SaveImage

from cellseg_monai.data import MicroscopyReader
from cellseg_monai.export import TiffWriter


def save(image: np.ndarray | torch.Tensor, folder: Path, dtype: type) -> np.ndarray:
    writer = SaveImage(folder, "", ".tif", dtype, writer=TiffWriter, separate_folder=False, print_log=False)
    writer(image, {"filename_or_obj": "cells.png"})
    found: np.ndarray = tifffile.imread(folder / "cells.tif")
    return found


@pytest.mark.parametrize(
    ("shape", "written"),
    [((1, 3, 5), (5, 3)), ((2, 3, 5), (2, 5, 3)), ((1, 3, 5, 4), (4, 5, 3)), ((2, 3, 5, 4), (2, 4, 5, 3))],
    ids=str,
)
def test_rows_come_first_in_the_file(
    shape: tuple[int, ...], written: tuple[int, ...], tmp_path: Path
) -> None:
    image = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    found = save(image, tmp_path, np.float32)
    assert found.shape == written
    channels = found if len(written) == len(shape) else found[None]
    np.testing.assert_array_equal(np.stack([channel.T for channel in channels]), image)


def test_our_reader_reads_it_back(tmp_path: Path) -> None:
    ids = (
        np.random.default_rng(0)
        .integers(0, 100_000, (1, 5, 7))
        .astype(np.int32)
        .repeat(8, axis=1)
        .repeat(8, axis=2)
    )
    save(ids, tmp_path, np.int32)
    read = LoadImage(reader=MicroscopyReader("label"), ensure_channel_first=True, dtype=np.int32)
    np.testing.assert_array_equal(np.asarray(read(tmp_path / "cells.tif")), ids)


def test_the_size_of_the_image_is_kept_or_told(tmp_path: Path) -> None:
    image = MetaTensor(
        torch.ones(1, 4, 6), meta={"filename_or_obj": "a.tif", "spatial_shape": np.array([4, 6])}
    )
    options = {"output_ext": ".tif", "writer": TiffWriter, "separate_folder": False, "print_log": False}
    SaveImage(tmp_path, "", **options)(image)
    assert tifffile.imread(tmp_path / "a.tif").shape == (6, 4)
    image.meta["spatial_shape"] = np.array([8, 12])
    with pytest.raises(RuntimeError, match=r"the result has shape \(6, 4\), but its image has \(12, 8\)"):
        SaveImage(tmp_path, "", resample=True, **options)(image)


@pytest.mark.parametrize("value", [70_000, -1])
def test_what_does_not_fit_is_refused(value: int, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="do not fit into uint16; write a wider type"):
        save(np.full((1, 2, 2), value), tmp_path, np.uint16)


def test_labels_are_compressed_without_loss(tmp_path: Path) -> None:
    ids = np.zeros((1, 512, 512), np.int32)
    ids[0, 10:40, 20:60] = 2**31 - 1
    np.testing.assert_array_equal(save(ids, tmp_path, np.int32), ids[0].T)
    assert (tmp_path / "cells.tif").stat().st_size < ids.nbytes / 50
