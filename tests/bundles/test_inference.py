"""Inference by MONAI's own commands: whole images, images in tiles, by an exported network."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile

from cellseg_monai.data import list_items
from tests.bundles.reduced import Bundle, copied, labels_in


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

    settings = json.loads((trained.path / "models/model.json").read_text())["settings"]
    size, channels = settings["patch_size"], settings["in_channels"]
    traced = {"use_trace": True, "input_shape": [1, channels, size, size]}
    trained.command(
        "ckpt_export",
        net_id="network_def",
        filepath="models/model.ts",
        ckpt_file="models/model.pt",
        meta_file="configs/metadata.json",
        config_file="configs/inference.json",
        **(traced if trained.path.name == "swin_unetr" else {}),  # MONAI's network cannot be scripted
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
    bundle.run(*files, dataset_dir=listing, output_dir=tmp_path / "result", weights="$None", **bundle.options)
    assert list(labels_in(tmp_path / "result")) == ["nuclei_000.tif", "nuclei_001.tif"]


def test_half_precision_on_a_cpu_changes_little(
    trained: Bundle, segmented: Path, dataset: Path, tmp_path: Path
) -> None:
    if trained.path.name == "generalist_nuclei":
        pytest.skip("with a hardly trained network, another precision finds another scale")
    options = {"save_probability": True, "bfloat16_on_cpu": True}
    trained.run("inference", dataset_dir=dataset, output_dir=tmp_path, **options)
    paths = sorted((segmented / "probability").rglob("*.tif"))
    assert len(paths) == 8
    for path in paths:
        exact, found = tifffile.imread(path), tifffile.imread(tmp_path / path.relative_to(segmented))
        assert not np.array_equal(exact, found)
        np.testing.assert_allclose(found, exact, atol=0.1)


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
