"""What the bundles promise, by MONAI's own commands alone."""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
import tifffile
import torch
from monai.bundle import ConfigParser, verify_metadata, verify_net_in_out

from cellseg_monai import bundling
from cellseg_monai.data import list_items
from tests.bundles.reduced import BUNDLES, NARROW, Bundle, copied

SCHEMA = Path(bundling.__file__).with_name("metadata_schema.json")
CLASSES = "{'0':0,'128':1,'255':2}"


def labels_in(folder: Path) -> dict[str, np.ndarray]:
    return {path.name: tifffile.imread(path) for path in sorted((folder / "labels").rglob("*.tif"))}


def test_no_bundle_is_left_out() -> None:
    assert set(NARROW) == {path.parent.name for path in BUNDLES.glob("*/bundle.yaml")}


@pytest.mark.parametrize("name", sorted(NARROW))
def test_metadata_and_network_are_verified(name: str, tmp_path: Path) -> None:
    configs = BUNDLES / name / "configs"
    verify_metadata(str(configs / "metadata.json"), filepath=shutil.copy(SCHEMA, tmp_path / "schema.json"))
    verify_net_in_out(
        "network_def",
        str(configs / "metadata.json"),
        str(configs / "inference.json"),
        device="cpu",
        n=1,
        p=1,
        any=1,
    )


def test_training_leaves_bare_weights_and_its_state(trained: Bundle) -> None:
    weights = torch.load(trained.path / "models/model.pt", weights_only=True)
    assert all(isinstance(tensor, torch.Tensor) for tensor in weights.values())
    assert (trained.path / "run/training_state.pt").is_file()
    assert list((trained.path / "run").glob("events.out.tfevents*"))


@pytest.mark.parametrize(
    "options",
    [
        {"max_epochs": 1, "val_interval": 5},
        {"train#trainer#max_epochs": 1},  # as MONAI Label asks for epochs
    ],
)
def test_a_training_of_one_epoch_is_validated(options: dict[str, int], dataset: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    bundle = copied("skip_unet", tmp_path)
    bundle.run("train", dataset_dir=dataset, output_dir=run, ckpt_dir=run, val_fraction=0.25, **options)
    assert (run / "model.pt").is_file()


def test_evaluation_scores_every_image(trained: Bundle, dataset: Path) -> None:
    scores = trained.path / "scores"
    trained.run("train", "evaluate", dataset_dir=dataset, output_dir=scores)
    for metric in ("val_mean_dice", "val_f1"):
        table = pd.read_csv(scores / f"{metric}_raw.csv")
        assert len(table) == 8
        assert table["mean"].between(0, 1).all()
        assert (scores / f"{metric}_summary.csv").is_file()


@pytest.fixture(scope="module")
def segmented(trained: Bundle, dataset: Path) -> Path:
    """What the trained bundle makes of the images."""
    result = trained.path / "result"
    trained.run("inference", dataset_dir=dataset, output_dir=result, save_probability=True)
    return result


def test_inference_writes_labels_and_its_exported_network_the_same(
    trained: Bundle, segmented: Path, dataset: Path
) -> None:
    found = labels_in(segmented)
    assert list(found) == [f"nuclei_{number:03}.tif" for number in range(8)]
    assert {label_map.shape for label_map in found.values()} == {(96, 144)}
    assert {label_map.dtype.name for label_map in found.values()} == {"int32"}
    assert len(pd.read_csv(segmented / "timing.csv")) == 8
    assert pd.read_csv(segmented / "failures.csv").empty

    config = ConfigParser.load_config_file(trained.path / "configs/inference.json")
    size, channels = trained.options["patch_size"], config["in_channels"]
    traced = {"use_trace": True, "input_shape": [1, channels, size, size]}
    trained.command(
        "ckpt_export",
        net_id="network_def",
        filepath="models/model.ts",
        ckpt_file="models/model.pt",
        meta_file="configs/metadata.json",
        config_file="configs/inference.json",
        **(traced if trained.path.name == "swin_unetr" else {}),  # MONAI's network cannot be scripted
        **{name: value for name, value in trained.options.items() if name != "patch_size"},
    )
    exported = "$torch.jit.load('models/model.ts')"
    trained.run(
        "inference",
        dataset_dir=dataset,
        output_dir=trained.path / "ts",
        network_def=exported,
        weights="$None",
    )
    for name, label_map in labels_in(trained.path / "ts").items():
        np.testing.assert_array_equal(label_map, found[name])


@pytest.mark.parametrize("files", [["inference"], ["inference", "inference_large"]])
def test_images_of_a_list_that_lies_elsewhere_are_written_to_the_result(
    dataset: Path, tmp_path: Path, files: list[str]
) -> None:
    bundle = copied("stemcell_unet", tmp_path)
    listing = tmp_path / "lists/some.json"
    listing.parent.mkdir()
    listing.write_text(json.dumps({"training": list_items(dataset)[:2]}))
    bundle.run(*files, dataset_dir=listing, output_dir=tmp_path / "result", weights="$None")
    assert list(labels_in(tmp_path / "result")) == ["nuclei_000.tif", "nuclei_001.tif"]


def test_large_images_have_the_same_cells(
    trained: Bundle, segmented: Path, dataset: Path, tmp_path: Path
) -> None:
    """An image that fits into one tile goes through the same steps."""
    trained.run("inference", "inference_large", dataset_dir=dataset, output_dir=tmp_path / "tiles")
    found = labels_in(segmented)
    large = labels_in(tmp_path / "tiles")
    assert list(found) == list(large)
    for name, label_map in found.items():
        np.testing.assert_array_equal(large[name] > 0, label_map > 0)
        assert large[name].max() == len(np.unique(label_map[label_map > 0]))
    assert len(pd.read_csv(tmp_path / "tiles/timing.csv")) == 8
    assert pd.read_csv(tmp_path / "tiles/failures.csv").empty


def test_fine_tuning_keeps_what_is_frozen_and_the_base(
    trained: Bundle, dataset: Path, tmp_path: Path
) -> None:
    base = shutil.copy(trained.path / "models/model.pt", tmp_path / "base.pt")
    before = torch.load(base, weights_only=True)
    first = next(iter(before))
    trained.run(
        "train", dataset_dir=dataset, output_dir=tmp_path, ckpt_dir=tmp_path, pretrained=base,
        frozen=f"['{first}']", max_epochs=1, val_fraction=0.25,
    )  # fmt: skip
    tuned = torch.load(tmp_path / "model.pt", weights_only=True)
    assert tuned[first].equal(before[first])
    assert any(not tensor.equal(before[name]) for name, tensor in tuned.items())
    assert all(tensor.equal(before[name]) for name, tensor in torch.load(base, weights_only=True).items())


def test_the_overlay_of_the_publication_trains_and_segments(
    trained: Bundle, dataset: Path, tmp_path: Path
) -> None:
    sizes = {"patch_size": 224} if trained.path.name.startswith("skip") else {}
    where = {"dataset_dir": dataset, "output_dir": tmp_path, **sizes}
    trained.run("train", "as_published", ckpt_dir=tmp_path, max_epochs=1, folds=4, **where)
    trained.run("inference", "as_published", weights=tmp_path / "model.pt", **where)
    assert {label_map.shape for label_map in labels_in(tmp_path).values()} == {(96, 144)}


@pytest.mark.parametrize(
    "overlays", [("multi_class",), ("multi_class", "as_published_multi_class")], ids="-".join
)
@pytest.mark.parametrize("name", ["skip_swin_unet", "skip_unet"])
def test_classes_are_trained_scored_and_segmented(
    name: str, overlays: tuple[str, ...], class_dataset: Path, tmp_path: Path
) -> None:
    bundle = copied(name, tmp_path)
    where = {"dataset_dir": class_dataset, "output_dir": tmp_path / "run", "classes": CLASSES}
    bundle.run("train", *overlays, max_epochs=1, folds=4, **where)
    bundle.run("train", *overlays, "evaluate", **where)
    assert list(pd.read_csv(tmp_path / "run/val_mean_dice_raw.csv").columns)[1:3] == ["class0", "class1"]
    bundle.run("inference", *overlays, **where)
    found = labels_in(tmp_path / "run")
    assert len(found) == 8
    assert all(label_map.shape == (96, 144) and label_map.max() <= 2 for label_map in found.values())


def test_tracking_by_mlflow_is_monais(dataset: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="MLflow is optional: pip install 'cellseg-monai[mlflow]'")
    bundle = copied("patch_attention_unet", tmp_path)
    where = {"dataset_dir": dataset, "output_dir": tmp_path / "run", "ckpt_dir": tmp_path}
    bundle.run("train", max_epochs=1, folds=4, tracking="mlflow", **where)
    assert (tmp_path / "run/mlruns.db").is_file()


def test_onnx_is_exported(dataset: Path, tmp_path: Path) -> None:
    bundle = copied("patch_attention_unet", tmp_path)
    where = {"dataset_dir": dataset, "output_dir": tmp_path / "run"}
    bundle.run("train", max_epochs=1, folds=4, **where)
    narrow = {name: value for name, value in bundle.options.items() if name != "patch_size"}
    bundle.command(
        "onnx_export",
        net_id="network_def",
        filepath=tmp_path / "model.onnx",
        ckpt_file="models/model.pt",
        meta_file="configs/metadata.json",
        config_file="configs/inference.json",
        input_shape=[1, 1, 64, 64],
        **narrow,
    )
    onnx.checker.check_model(onnx.load(tmp_path / "model.onnx"))
