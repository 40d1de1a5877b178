"""Weights carry their settings: whoever has them segments without an option of the training."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from monai.bundle import ConfigParser

from cellseg_monai.cli import main
from tests.bundles.reduced import Bundle, copied, labels_in

SHORT = {"max_epochs": 2, "val_interval": 2, "folds": 2, "patch_size": 32}
NARROW = {"network_def#architecture#channels": [8, 16]}


def trained(bundle: Bundle, *configs: str, **options: Any) -> dict[str, Any]:
    """Train, and read the settings that the weights got."""
    bundle.run("train", *configs, **{"output_dir": bundle.path / "out", **SHORT, **options})
    settings: dict[str, Any] = json.loads((bundle.path / "models/model.json").read_text())["settings"]
    return settings


def segmented(bundle: Bundle, run: Path, images: Path) -> dict[str, np.ndarray]:
    """By ``cellseg predict RUN IMAGES`` and by MONAI's command, which must agree; no option is repeated."""
    assert main(["predict", str(run), str(images), "--out", str(bundle.path / "by cellseg")]) == 0
    weights = {} if run == bundle.path else {"weights": run / "model.pt"}
    bundle.run("inference", dataset_dir=images, output_dir=bundle.path / "by monai", **weights)
    found, other = (labels_in(bundle.path / name) for name in ("by cellseg", "by monai"))
    assert list(found) == list(other)
    assert len(found) == 8
    for name, label_map in found.items():
        np.testing.assert_array_equal(label_map, other[name])
    return found


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return Bundle(copied("patch_attention_unet", tmp_path).path, NARROW)


def test_scale_channels_and_target(bundle: Bundle, dataset: Path) -> None:
    picked = {"target": "@targets#foreground", "decoding": "@decodings#foreground"}
    settings = trained(bundle, "choices", dataset_dir=dataset, scale=0.5, in_channels=3, **picked)
    assert (settings["scale"], settings["in_channels"]) == (0.5, 3)
    assert settings["target"]["_target_"] == "cellseg_monai.transforms.BinaryTargetd"
    assert settings["network_def"]["out_channels"] == 1
    segmented(bundle, bundle.path, dataset)


def test_another_network_whose_weights_lie_elsewhere(bundle: Bundle, dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    small = {"networks#unet#architecture#channels": [4, 8], "networks#unet#architecture#strides": [2]}
    options = {"network_def": "@networks#unet", "percentiles": [5, 95], "ckpt_dir": run, **small}
    unet = Bundle(bundle.path, {})
    unet.run("train", "choices", dataset_dir=dataset, output_dir=tmp_path / "out", **SHORT, **options)
    settings = json.loads((run / "model.json").read_text())["settings"]
    assert settings["network_def"]["_target_"] == "monai.networks.nets.UNet"
    assert settings["percentiles"] == [5, 95]
    segmented(bundle, run, dataset)
    assert main(["predict", str(run / "model.pt"), str(dataset), "--out", str(tmp_path / "file")]) == 0


def test_plain_percentiles_and_whole_frames_of_a_publication(dataset: Path, tmp_path: Path) -> None:
    bundle = copied("stemcell_unet", tmp_path)
    settings = trained(bundle, "as_published", dataset_dir=dataset)
    assert (settings["min_range"], settings["window"], settings["percentiles"]) == (0, -1, [2, 98])
    segmented(bundle, bundle.path, dataset)
    parser = ConfigParser(ConfigParser.load_config_file(bundle.path / "configs/inference.json"))
    parser["bundle_root"] = str(bundle.path)
    assert parser.get_parsed_content("preprocessing").transforms[1].transform.min_range == 0
    sizes: list[torch.Size] = []
    network = torch.nn.Conv2d(1, 1, 3, padding=1)
    network.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape[2:]))
    parser.get_parsed_content("inferer")(torch.rand(1, 1, 700, 531), network)
    assert sizes == [(700, 531)]


def test_classes(class_dataset: Path, tmp_path: Path) -> None:
    bundle = copied("skip_unet", tmp_path)
    classes = {"0": 0, "128": 1, "255": 2}
    settings = trained(bundle, "multi_class", dataset_dir=class_dataset, classes=classes)
    assert settings["target"]["classes"] == classes
    assert settings["network_def"]["out_channels"] == 3
    found = segmented(bundle, bundle.path, class_dataset)
    assert max(label_map.max() for label_map in found.values()) <= 2
    scores = {"dataset_dir": class_dataset, "output_dir": tmp_path / "scores"}
    bundle.run("train", "evaluate", **scores)
    bundle.run(
        "train", "multi_class", "evaluate", **scores | {"output_dir": tmp_path / "named"}, classes=classes
    )
    one, other = ((tmp_path / name / "val_mean_dice_raw.csv").read_text() for name in ("scores", "named"))
    assert one == other
    assert not list((tmp_path / "scores").glob("val_f1*"))


def test_fine_tuning_from_the_whole_scale_to_a_quarter(bundle: Bundle, dataset: Path) -> None:
    trained(bundle, dataset_dir=dataset)
    base = bundle.path / "base.pt"
    shutil.copy(bundle.path / "models/model.pt", base)
    settings = trained(
        bundle, dataset_dir=dataset, pretrained=base, scale=0.25, output_dir=bundle.path / "tuned"
    )
    assert settings["scale"] == 0.25
    first, tuned = (torch.load(file, weights_only=True) for file in (base, bundle.path / "models/model.pt"))
    assert list(first) == list(tuned)
    segmented(bundle, bundle.path, dataset)


def test_what_is_given_counts(bundle: Bundle, dataset: Path) -> None:
    trained(bundle, dataset_dir=dataset)
    wider = {"network_def#architecture#channels": [8, 24]}
    run = {"config_file": "configs/inference.json", "dataset_dir": dataset, "output_dir": "out"}
    assert "models/model.pt: belongs to another network: " in bundle.command(
        "run", expected=1, **run, **wider
    )
    words = ["predict", str(bundle.path), str(dataset), "--out", str(bundle.path / "other")]
    assert main([*words, "--set", "network_def#architecture#channels=[8,24]"]) == 1
    assert main([*words, "--set", "min_size=100000"]) == 0
    assert all(label_map.max() == 0 for label_map in labels_in(bundle.path / "other").values())
