from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cellseg_monai.data.layouts import import_dataset

Run = Callable[[str], Any]
Put = Callable[..., Path]


def test_gold_truth_before_silver_before_none(run: Run, put: Put) -> None:
    for frame in ("t000", "t001", "t002"):
        put(f"01/{frame}.tif", [[8, 9]], "uint16")
    put("01_GT/SEG/man_seg001.tif", [[1, 0]], "uint16")
    put("01_ST/SEG/man_seg000.tif", [[2, 0]], "uint16")
    put("01_ST/SEG/man_seg001.tif", [[3, 0]], "uint16")
    imported = run("ctc")
    assert imported.dataset["training"] == [
        {"image": "images/01_t000.tif", "label": "labels/01_t000.tif", "group": "01"},
        {"image": "images/01_t001.tif", "label": "labels/01_t001.tif", "group": "01"},
    ]
    assert imported.dataset["unlabelled"] == [{"image": "images/01_t002.tif", "group": "01"}]
    np.testing.assert_array_equal(imported.label("01_t000"), [[2, 0]])
    np.testing.assert_array_equal(imported.label("01_t001"), [[1, 0]])
    assert "tracks" not in imported.dataset


def test_tracks_are_copied_as_they_are(run: Run, put: Put) -> None:
    for sequence in ("01", "02"):
        put(f"{sequence}/t000.tif", [[8, 9]], "uint16")
        put(f"{sequence}_GT/TRA/man_track000.tif", [[1, 0]], "uint16")
        text = put(f"{sequence}_GT/TRA/man_track.txt", "1 0 0 0\n")
    imported = run("ctc")
    assert imported.dataset["tracks"] == {"01": "tracks/01", "02": "tracks/02"}
    folder = imported.folder / "tracks" / "02"
    assert sorted(path.name for path in folder.iterdir()) == ["man_track.txt", "man_track000.tif"]
    assert (folder / "man_track.txt").read_bytes() == text.read_bytes()


@pytest.mark.parametrize(
    ("name", "file", "reason"),
    [
        ("02_GT/SEG/man_seg000.tif", "02_GT", "there are no images 02/t000.tif"),
        ("02_ST/SEG/man_seg000.tif", "02_ST", "there are no images 02/t000.tif"),
        ("01_GT/SEG/man_seg_000_005.tif", "man_seg_000_005.tif", "slices of volumes cannot be imported"),
        ("01_GT/SEG/man_seg007.tif", "man_seg007.tif", "has no image"),
        ("01/preview.tif", "preview.tif", "is not a frame"),
        ("01_GT/TRA/man_track000.tif", "TRA", "has no man_track.txt"),
    ],
    ids=[
        "gold without images",
        "silver without images",
        "slice",
        "mask without frame",
        "stray image",
        "no table",
    ],
)
def test_what_does_not_fit_is_reported(run: Run, put: Put, name: str, file: str, reason: str) -> None:
    put("01/t000.tif", [[8, 9]], "uint16")
    put(name, [[1, 0]], "uint16")
    imported = run("ctc")
    assert list(imported.failures()) == [file]
    assert reason in imported.failures()[file]
    assert imported.report.imported == {"unlabelled": 1}


@pytest.mark.parametrize("imagej", [False, True], ids=["undescribed pages", "depth"])
@pytest.mark.parametrize("planes", [3, 7])
def test_volume_is_a_failure(run: Run, put: Put, planes: int, imagej: bool) -> None:
    path = put("01/t000.tif", [[8]])
    tifffile.imwrite(
        path,
        np.zeros((planes, 6, 5), np.uint16),
        photometric="minisblack",
        imagej=imagej,
        metadata={"axes": "ZYX"} if imagej else None,
    )
    put("01/t001.tif", np.zeros((6, 5)), "uint16")
    imported = run("ctc")
    reason = f"of shape ({planes}, 6, 5)" if imagej else f"the file has {planes} pages and does not say"
    assert reason in imported.failures()["t000.tif"]
    assert imported.report.imported == {"unlabelled": 1}


def test_real_frames_and_tracks(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "timelapse" / "nuclei_tracks" / "crop_200_6frames"
    report = import_dataset("ctc", source, tmp_path / "plain")
    assert report.imported == {"unlabelled": 6}
    assert not report.failures
    copied = {path.name: path.read_bytes() for path in (tmp_path / "plain" / "tracks" / "01").iterdir()}
    assert copied == {path.name: path.read_bytes() for path in (source / "01_GT" / "TRA").iterdir()}


def test_real_reference_without_images(real_data: Path, tmp_path: Path) -> None:
    source = real_data / "timelapse" / "nuclei_tracks" / "ctc_full_1024_86frames_gt_only"
    with pytest.raises(ValueError, match="02_GT: there are no images 02"):
        import_dataset("ctc", source, tmp_path / "plain")
