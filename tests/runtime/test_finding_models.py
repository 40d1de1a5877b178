"""Weights, and the bundle that they were trained with."""

import shutil
from pathlib import Path

import pytest

from cellseg_monai.runtime import keep_settings, known_bundles
from cellseg_monai.runtime.finding import find_model


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with weights beside the bundle that they were trained with."""
    bundle = tmp_path / "bundle"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "configs/inference.json").write_text("{}")
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "model.pt").write_bytes(b"weights")
    keep_settings(folder / "model.pt", bundle_root=bundle)
    return folder


def test_a_folder_and_its_file_name_the_same_model(run: Path) -> None:
    expected = (run.parent / "bundle", run / "model.pt")
    assert find_model(run) == find_model(run / "model.pt") == expected


def test_weights_and_bundle_may_move_together(run: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("run", "bundle"):
        shutil.move(run.parent / name, elsewhere / name)
    assert find_model(elsewhere / "run")[0] == elsewhere / "bundle"


def test_a_bundle_that_is_gone_is_looked_up_by_its_name(run: Path) -> None:
    shutil.rmtree(run.parent / "bundle")
    with pytest.raises(FileNotFoundError, match=r"model.pt: the bundle that these weights .* --set weights="):
        find_model(run)
    keep_settings(run / "model.pt", bundle_root=run.parent / "skip_unet")
    assert find_model(run)[0] == known_bundles()["skip_unet"]


def test_a_folder_without_either_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is neither configs/inference.json nor model.pt"):
        find_model(tmp_path)
