"""Names of files and folders in which other software sees more than a name."""

from pathlib import Path

import pandas as pd
import pytest
import tifffile

from cellseg_monai.cli import main
from cellseg_monai.data import list_items, write_synthetic_dataset
from tests.bundles.reduced import Bundle, copied

NAMES = ["img #1", "50% @x $HOME", "$x", "@items", "%items", "zellkörper Ω"]


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six images with such names."""
    folder = write_synthetic_dataset(
        "nuclei", tmp_path_factory.mktemp("set") / "run #2", count=6, size=(64, 80)
    ).parent
    for item, name in zip(list_items(folder), NAMES, strict=True):
        for kind in ("image", "label"):
            file = Path(item[kind])
            file.rename(file.with_name(f"{name}.tif"))
    (folder / "dataset.json").unlink()
    return folder


@pytest.fixture(scope="module")
def trained(named: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Trained on them by MONAI's command, through a link of a plain name."""
    bundle = copied("patch_attention_unet", tmp_path_factory.mktemp("bundle"))
    (bundle.path / "data").symlink_to(named)
    bundle.run("train", dataset_dir="data", output_dir="run", max_epochs=1)
    return bundle


def names_in(folder: Path) -> set[str]:
    return {file.stem for file in folder.rglob("*.tif")}


def test_monais_command_segments_them(trained: Bundle) -> None:
    trained.run("inference", dataset_dir="data", output_dir="result")
    assert names_in(trained.path / "result/labels") == set(NAMES)


def test_cellseg_segments_scores_and_measures_them(
    trained: Bundle, named: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(named / "images")
    out = tmp_path / "out #1"
    files = [f"{name}.tif" for name in NAMES]
    narrow = ["--set", "network_def#architecture#channels=[8, 16]"]
    assert main(["predict", str(trained.path), *files, "--out", str(out), *narrow]) == 0
    assert names_in(out / "labels") == set(NAMES)
    assert tifffile.imread(out / "labels/img #1.tif").shape == (64, 80)

    masks, images = str(named / "labels"), str(named / "images")
    compared = ["--pred", str(out / "labels"), "--truth", masks]
    assert main(["evaluate", *compared, "--bundle", str(trained.path), "--out", str(out / "scores")]) == 0
    assert main(["measure", masks, "--images", images, "--out", str(out / "cells")]) == 0
    assert set(pd.read_csv(out / "cells/summary.csv")["image"]) == set(NAMES)
