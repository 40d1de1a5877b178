import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import zarr

from cellseg_monai.export import write_ome_zarr_labels

Run = Callable[[str], Any]
Put = Callable[..., Path]

IMAGE = np.random.default_rng(0).integers(0, 255, (6, 8)).astype(np.uint8)
PART = np.array([[0, 1, 1], [2, 2, 0]], np.uint8)


def segmentation(part: np.ndarray, offset: str = "3 1 0") -> bytes:
    """A file as 3D Slicer writes it: NRRD of three axes, cut to the segments."""
    header = f"""NRRD0004
type: unsigned char
dimension: 3
space: left-posterior-superior
sizes: {part.shape[-1]} {part.shape[-2]} {part.size // part.shape[-1] // part.shape[-2]}
space directions: (1,0,0) (0,1,0) (0,0,1)
kinds: domain domain domain
encoding: gzip
space origin: (3,1,0)
Segment0_ID:=Segment_1
Segment0_LabelValue:=1
Segment0_Layer:=0
Segment0_Name:=Tumor cell
Segment1_ID:=Segment_2
Segment1_LabelValue:=2
Segment1_Name:=Segment_2
Segmentation_ReferenceImageExtentOffset:={offset}

"""
    return header.encode() + gzip.compress(part.tobytes())


def test_segmentation_of_slicer(run: Run, put: Put) -> None:
    put("a.tif", IMAGE)
    put("a.seg.nrrd", segmentation(PART))
    imported = run("annotations")
    expected = np.zeros((6, 8), int)
    expected[1:3, 3:6] = PART
    np.testing.assert_array_equal(imported.label("a"), expected)
    assert imported.dataset["classes"] == {"1": "Tumor cell"}
    assert "3D Slicer (1)" in str(imported.report)


def test_segmentations_that_do_not_fit(run: Run, put: Put) -> None:
    for name in ("good", "volume", "outside"):
        put(f"{name}.tif", IMAGE)
    put("good.seg.nrrd", segmentation(PART))
    put("volume.seg.nrrd", segmentation(np.stack([PART, PART])))
    put("outside.seg.nrrd", segmentation(PART, "7 1 0"))
    assert run("annotations").failures() == {
        "volume.tif": "volume.seg.nrrd has several planes, or segments that overlap; "
        "only planes without overlap are read",
        "outside.tif": "outside.seg.nrrd has the shape (2, 3), but the image has (6, 8)",
    }


def ome_zarr(path: Path, *names: str) -> None:
    write_ome_zarr_labels(path, np.where(IMAGE > 100, 7, 0), None, IMAGE, "YX", name=names[0])
    zarr.open_group(str(path / "labels"), mode="a").attrs["labels"] = list(names)


def test_labels_of_ome_zarr(run: Run, source: Path) -> None:
    ome_zarr(source / "a.ome.zarr", "cells")
    ome_zarr(source / "b.ome.zarr", "cells", "nuclei")
    imported = run("annotations")
    np.testing.assert_array_equal(imported.label("a"), np.where(IMAGE > 100, 7, 0))
    assert imported.dataset["training"][0]["image"] == "images/a.ome.zarr"
    assert imported.failures() == {"b.ome.zarr": "b.ome.zarr has the label maps cells, nuclei; keep one"}
