"""Real nuclei, in a minute: what the README tells of five minutes begins here."""

import json
from pathlib import Path

import pandas as pd
import pytest

from cellseg_monai.data import list_items
from tests.bundles.reduced import Bundle, copied

WIDTHS = {"network_def#architecture#channels": [16, 32, 64, 128, 256]}


@pytest.mark.slow
def test_four_epochs_find_nuclei(real_data: Path, tmp_path: Path) -> None:
    bundle = Bundle(copied("patch_attention_unet", tmp_path).path, WIDTHS)
    nuclei = real_data / "tasks/nuclei"
    bundle.run(
        "train", dataset_dir=nuclei / "train", output_dir=tmp_path / "run", max_epochs=4, val_interval=4
    )
    bundle.run("train", "evaluate", dataset_dir=nuclei / "test", output_dir=tmp_path / "scores")
    scores = {
        name: pd.read_csv(tmp_path / f"scores/val_{name}_raw.csv")["mean"].mean()
        for name in ("mean_dice", "f1")
    }
    assert scores["mean_dice"] > 0.93
    assert scores["f1"] > 0.7


def test_a_batch_of_several_modalities(real_images: Path, tmp_path: Path) -> None:
    """Grey TIFF beside RGBA PNG in a batch, the modality of some known; labelled as unlabelled."""
    bundle = copied("attention_unetpp", tmp_path)
    listing = tmp_path / "listing.json"
    grey, tissue = (list_items(real_images / folder) for folder in ("nuclei/train", "tissue"))
    items = [grey[0] | {"modality": "fluorescence"}, tissue[0], grey[1], tissue[1], grey[2]]
    listing.write_text(json.dumps({"training": items}))
    options = {"dataset_dir": listing, "output_dir": tmp_path / "run", "batch_size": 5, "max_epochs": 1}
    bundle.run("train", "semi_supervised", **options, validation_dir=listing, unlabelled_dir=listing)
    assert (bundle.path / "models/model.pt").is_file()
