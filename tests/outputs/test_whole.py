"""A result is there whole or not at all, and the disk's refusals are said in plain words."""

import errno
import os
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
import torch

from cellseg_monai.export import (
    Objects,
    TiffWriter,
    write_coco,
    write_geojson,
    write_label_tiff,
    write_ome_zarr_labels,
    write_rois,
    write_tiled_tiff,
)
from cellseg_monai.inference.streaming_files import save
from cellseg_monai.outputs import OutputError, in_plain_words, write_text, written_whole
from cellseg_monai.outputs.whole import remove_parts
from cellseg_monai.training.tensor_file import write_tensors

CELLS = np.arange(64 * 64, dtype=np.int32).reshape(64, 64)


def _by_monai(path: Path) -> None:
    writer = TiffWriter(np.int32)
    writer.set_data_array(CELLS[None])
    writer.write(path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "label_tiff": lambda path: write_label_tiff(path, CELLS),
    "tiff_of_monai": _by_monai,
    "tiled_tiff": lambda path: write_tiled_tiff(path, CELLS, tile=16),
    "geojson": lambda path: write_geojson(path, CELLS),
    "rois": lambda path: write_rois(path, CELLS),
    "coco": lambda path: write_coco(path, [("a.tif", Objects(CELLS))]),
    "weights": lambda path: write_tensors({"weight": torch.zeros(1 << 16)}, path),
    "array": lambda path: save(path, CELLS),
    "text": lambda path: write_text(path, "label\n" * 10_000),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk(write: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "result.tif"
    path.write_text("the result of an earlier run")
    (tmp_path / f".cellseg-part-{os.getpid()}-result.tif").symlink_to("/dev/full")
    with pytest.raises(
        OutputError, match=r"result\.tif: not written: the disk is full; make room, or choose"
    ):
        write(path)
    assert path.read_text() == "the result of an earlier run"
    assert [file.name for file in tmp_path.iterdir()] == ["result.tif"]


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_nothing_is_left_beside_a_result(write: Callable[[Path], object], tmp_path: Path) -> None:
    write(tmp_path / "new/result.tif")
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["result.tif"]
    assert (tmp_path / "new/result.tif").stat().st_size > 0


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the quota of the disk is used up"),
        (errno.EROFS, "the file system is read-only"),
        (errno.EACCES, "no permission to write"),
        (errno.EPERM, "no permission to write"),
    ],
)
def test_reasons_in_plain_words(number: int, said: str) -> None:
    with (
        pytest.raises(OutputError, match=rf"^out/cells\.csv: not written: {said}"),
        in_plain_words("out/cells.csv"),
    ):
        raise OSError(number, os.strerror(number), "out")


def test_an_input_that_may_not_be_read_is_no_fault_of_the_output(tmp_path: Path) -> None:
    with pytest.raises(PermissionError, match="secret"), written_whole(tmp_path / "copy.tif"):
        raise PermissionError(errno.EACCES, "Permission denied", "/elsewhere/secret.tif")


def test_a_failed_writer_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text("before")

    def stopped(part: Path) -> None:
        part.write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), written_whole(path) as part:
        stopped(part)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "cells.ome.zarr"
    write_ome_zarr_labels(path, CELLS)
    (path / "of the first").write_text("")
    with pytest.raises(FileExistsError, match="choose another name, or set overwrite"):
        write_ome_zarr_labels(path, CELLS)
    write_ome_zarr_labels(path, CELLS, overwrite=True)
    assert not (path / "of the first").exists()
    assert [file.name for file in tmp_path.iterdir()] == ["cells.ome.zarr"]


def _write_slowly(path: str) -> None:
    with written_whole(path) as part:
        part.write_text("half")
        Path(f"{path}.started").touch()
        time.sleep(60)


@pytest.mark.skipif(sys.platform == "win32", reason="kills by a signal")
def test_a_kill_leaves_no_result_and_the_next_run_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    process = get_context("spawn").Process(target=_write_slowly, args=(str(path),))
    process.start()
    while not Path(f"{path}.started").exists():
        assert process.is_alive()
        time.sleep(0.02)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not path.exists()
    assert len(list(tmp_path.glob(".cellseg-part-*"))) == 1
    remove_parts([path])
    assert [file.name for file in tmp_path.iterdir()] == ["cells.csv.started"]
