"""Decoding chosen by labelled images, and laid over the inference of a bundle."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch

from cellseg_monai.cli import main
from cellseg_monai.data import list_items, read_label_map, write_synthetic_dataset
from cellseg_monai.instances import WatershedFromDistance
from cellseg_monai.jobs.calibration import calibrate
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import instance_counts, instance_scores
from tests.bundles.reduced import Bundle, copied


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set")
    return write_synthetic_dataset("nuclei", folder, count=4, size=(96, 144), seed=1).parent


@pytest.fixture(scope="module")
def bundle(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    bundle = copied("patch_attention_unet", tmp_path_factory.mktemp("bundle"))
    length = {"max_epochs": 60, "val_interval": 60, "patience": 60, "learning_rate": 0.005}
    bundle.run("train", dataset_dir=dataset, output_dir=bundle.path / "run", folds=2, **length)
    return bundle


def words(bundle: Bundle) -> list[str]:
    return ["--set", *(f"{name}={value}" for name, value in bundle.options.items())]


def test_the_score_told_is_that_of_the_values_chosen(bundle: Bundle, dataset: Path, tmp_path: Path) -> None:
    items = list_items(dataset)
    found = calibrate(bundle.path, items, tmp_path, options=bundle.options)
    assert found.after > found.before
    assert found.options == json.loads((tmp_path / "decoding.json").read_text())
    start = {"threshold": 0.5, "seed_height": 0.25, "min_size": 15}
    for score, values in ((found.before, start), (found.after, {**start, **found.options})):
        decoding = WatershedFromDistance(logits=False, **values)
        again = []
        for item in items:
            (file,) = (tmp_path / "probability").rglob(f"{item['name']}.tif")
            labels = decoding(tifffile.imread(file))[0]
            truth = read_label_map(item["label"])
            again.append(float(instance_scores(instance_counts(labels, truth, 0.5)).f1[0]))
        assert score == pytest.approx(np.mean(again))


def test_the_choice_is_laid_over_the_inference(bundle: Bundle, dataset: Path, tmp_path: Path) -> None:
    chosen = tmp_path / "chosen"
    out = ["--out", str(chosen)]
    assert main(["calibrate", str(bundle.path), "--data", str(dataset), *out, *words(bundle)]) == 0
    by_overlay, by_option = tmp_path / "overlay", tmp_path / "option"
    files = ["configs/inference.json", str(chosen / "decoding.json")]
    bundle.command("run", config_file=files, dataset_dir=dataset, output_dir=by_overlay, **bundle.options)
    values = json.loads((chosen / "decoding.json").read_text())
    options = [*words(bundle), *(f"{name}={value}" for name, value in values.items())]
    assert main(["predict", str(bundle.path), str(dataset), "--out", str(by_option), *options]) == 0
    one, other = (sorted(folder.rglob("labels/**/*.tif")) for folder in (by_overlay, by_option))
    assert len(one) == len(other) == 4
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(tifffile.imread(first), tifffile.imread(second))


def test_what_is_kept_counts_until_there_are_other_weights(
    bundle: Bundle, dataset: Path, tmp_path: Path
) -> None:
    weights = tmp_path / "model.pt"
    shutil.copy(bundle.path / "models/model.pt", weights)
    chosen = tmp_path / "chosen"
    out = ["--out", str(chosen), "--weights", str(weights), "--keep"]
    assert main(["calibrate", str(bundle.path), "--data", str(dataset), *out, *words(bundle)]) == 0
    values = json.loads((chosen / "decoding.json").read_text())
    options = [*words(bundle), f"weights={weights}"]

    def found(name: str, *more: str) -> list[LabelMap]:
        result = tmp_path / name
        arguments = ["predict", str(bundle.path), str(dataset), "--out", str(result), *options, *more]
        assert main(arguments) == 0
        return [read_label_map(file) for file in sorted(result.rglob("labels/**/*.tif"))]

    kept = found("kept")
    np.testing.assert_equal(kept, found("named", *(f"{name}={value}" for name, value in values.items())))
    state = torch.load(weights, weights_only=True)
    torch.save({name: tensor * 1.001 for name, tensor in state.items()}, weights)
    plain = found("others")
    np.testing.assert_equal(plain, found("plain", "threshold=0.5", "seed_height=0.25", "min_size=15"))
    assert not all(map(np.array_equal, kept, plain))


def test_binary_masks_are_judged_by_dice(bundle: Bundle, dataset: Path, tmp_path: Path) -> None:
    items = list_items(dataset)[:1]
    mask = tmp_path / "mask.tif"
    tifffile.imwrite(mask, (read_label_map(items[0]["label"]) > 0).astype(np.uint8))
    found = calibrate(
        bundle.path, [{**items[0], "label": str(mask)}], tmp_path / "out", options=bundle.options
    )
    assert found.metric == "dice"
    assert found.after >= found.before


def test_without_images_there_is_nothing_to_choose_by(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one labelled image"):
        calibrate(bundle.path, [], tmp_path)
