from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Run = Callable[[str], Any]
Put = Callable[..., Path]


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("x.tif", "x_masks.tif"),
        ("x.tif", "x_masks.png"),
        ("x.png", "x_cp_masks.png"),
        ("000_img.png", "000_masks.png"),
        ("000_img.png", "000_img_cp_masks.png"),
    ],
)
def test_names_of_masks(run: Run, put: Put, image: str, mask: str) -> None:
    put(image, [[8, 9]])
    put(mask, [[0, 300]], "uint16")
    imported = run("cellpose")
    assert imported.report.imported == {"training": 1}
    np.testing.assert_array_equal(imported.label(Path(image).stem), [[0, 300]])


def test_parts(run: Run, put: Put) -> None:
    for part in ("train", "test"):
        put(f"{part}/000_img.png", [[8, 9]])
        put(f"{part}/000_masks.png", [[0, 1]])
    assert run("cellpose").report.imported == {"training": 1, "test": 1}


def test_results_are_no_images(run: Run, put: Put) -> None:
    put("x.tif", [[8]])
    for name in (
        "x_flows.tif",
        "x_flows_0.tif",
        "x_cellprob.tif",
        "x_dP.tif",
        "x_cp_output.png",
        "x_outlines_cp.png",
    ):
        put(name, [[1]])
    imported = run("cellpose")
    assert imported.report.imported == {"unlabelled": 1}
    assert not imported.report.failures


class Trap:
    """Its pickle makes a folder when it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.mkdir, (self.folder,)


def test_pickle_of_arrays_is_read_and_another_never_called(
    run: Run, put: Put, source: Path, tmp_path: Path
) -> None:
    for name in ("w", "x", "y"):
        put(f"{name}.tif", [[8, 9]])
    np.save(source / "w_seg.npy", {"masks": np.array([[0, 5]], np.uint16)})
    np.save(source / "x_seg.npy", {"masks": Trap(tmp_path / "sprung")})
    put("y_masks.tif", [[1, 0]])
    np.save(source / "y_seg.npy", {"masks": Trap(tmp_path / "sprung")})
    imported = run("cellpose")
    assert imported.report.imported == {"training": 2}
    assert imported.label("w").tolist() == [[0, 5]]
    assert "x_seg.npy cannot be read safely: it calls" in imported.failures()["x.tif"]
    assert "save the masks as PNG or TIFF" in imported.failures()["x.tif"]
    assert not (tmp_path / "sprung").exists()


def test_two_masks_and_a_mask_alone(run: Run, put: Put) -> None:
    for name in ("w.tif", "x.tif", "x_masks.tif", "x_cp_masks.png", "z_masks.tif"):
        put(name, [[1]])
    failures = run("cellpose").failures()
    assert "x_cp_masks.png and x_masks.tif; keep one" in failures["x.tif"]
    assert "has no image" in failures["z_masks.tif"]
