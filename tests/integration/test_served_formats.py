"""Ids and places in every format that a label may be written in, or a clear refusal."""

from pathlib import Path

import nibabel
import numpy as np
import pytest

from cellseg_monai.export import read_geojson, write_geojson
from tests.integration.served import Server, answered_file, dots, write_dots

pytestmark = pytest.mark.label

EVERY_DOT = {"min_size": 0}


def spots(labels: np.ndarray) -> np.ndarray:
    return labels > 0


@pytest.mark.parametrize(
    ("suffix", "count", "written"),
    [
        (".tif", 300, ".tif"),
        (".tif", 66_000, ".tif"),
        (".png", 300, ".png"),
        (".png", 66_000, ".tif"),
        (".bmp", 300, ".tif"),
    ],
)
def test_no_id_is_lost(suffix: str, count: int, written: str, server: Server, tmp_path: Path) -> None:
    side = (40, 60) if count == 300 else (520, 530)
    file = write_dots(tmp_path / f"dots{suffix}", count, *side)
    answer = server.infer("pixels", file=file, **EVERY_DOT)
    assert answer.status_code == 200, answer.text
    assert answered_file(answer, tmp_path).suffix == written
    labels = server.labels("pixels", file=file, **EVERY_DOT)
    assert labels.shape == side
    assert len(np.unique(labels)) == count + 1
    np.testing.assert_array_equal(spots(labels), dots(count, *side) > 0)


@pytest.mark.parametrize("wanted", [".tif", ".nii.gz", ".nrrd", ".png", ".mha"])
def test_a_viewer_may_ask_for_another_format(wanted: str, server: Server, tmp_path: Path) -> None:
    file = write_dots(tmp_path / "dots.tif", 300, 40, 60)
    labels = server.labels("pixels", file=file, result_extension=wanted, **EVERY_DOT)
    np.testing.assert_array_equal(labels, server.labels("pixels", file=file, **EVERY_DOT))


@pytest.mark.parametrize(
    ("asked", "count", "reason"),
    [
        ({"result_extension": ".jpg"}, 300, "ids up to 300 cannot be written as .jpg; request .tif"),
        ({"result_extension": ".png"}, 66_000, "ids up to 66000 cannot be written as .png; request .tif"),
    ],
    ids=["jpeg", "png"],
)
def test_what_cannot_hold_the_ids_is_refused(
    asked: dict[str, str], count: int, reason: str, server: Server, tmp_path: Path
) -> None:
    side = (40, 60) if count == 300 else (520, 530)
    file = write_dots(tmp_path / "dots.tif", count, *side)
    answer = server.infer("pixels", file=file, **EVERY_DOT, **asked)
    assert answer.status_code == 422
    assert reason in answer.json()["detail"]


def test_the_cells_as_polygons_for_qupath(server: Server, tmp_path: Path) -> None:
    labels = server.labels("pixels", "nuclei_000")
    assert labels.max() > 3
    write_geojson(tmp_path / "cells.geojson", labels)
    np.testing.assert_array_equal(read_geojson(tmp_path / "cells.geojson").label_map, labels)


def test_3d_slicer_loses_no_id(server: Server, tmp_path: Path) -> None:
    """It asks for NRRD of 8 bits, whatever the image."""
    file = write_dots(tmp_path / "dots.png", 300, 40, 60)
    asked = {"result_extension": ".nrrd", "result_dtype": "uint8"}
    labels = server.labels("pixels", file=file, **asked, **EVERY_DOT)
    np.testing.assert_array_equal(labels, server.labels("pixels", file=file, **EVERY_DOT))


@pytest.mark.parametrize("name", ["plane.nii.gz", "slice.nii"])
def test_a_label_lies_where_its_nifti_lies(name: str, server: Server, formats: Path, tmp_path: Path) -> None:
    answer = server.infer("pixels", file=formats / name, **EVERY_DOT)
    label = nibabel.load(answered_file(answer, tmp_path))
    assert label.shape == (130, 90, 1)
    np.testing.assert_allclose(label.affine, nibabel.load(formats / name).affine, atol=1e-6)
