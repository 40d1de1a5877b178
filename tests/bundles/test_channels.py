"""Some of the channels of images: chosen in training, kept with the weights, and used without an option."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellseg_monai.data import list_items, write_synthetic_dataset
from cellseg_monai.planning import prepare
from cellseg_monai.runtime.settings import WEIGHTS, kept_settings
from tests.bundles.reduced import copied, labels_in


@pytest.fixture(scope="module")
def stained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nuclei in the second channel of three."""
    folder = write_synthetic_dataset(
        "nuclei", tmp_path_factory.mktemp("set"), count=5, size=(64, 80), seed=1
    ).parent
    rng = np.random.default_rng(0)
    for file in (folder / "images").glob("*.tif"):
        nuclei = np.squeeze(tifffile.imread(file))
        others = rng.integers(0, 500, (2, *nuclei.shape)).astype(nuclei.dtype)
        names = {"axes": "CYX", "Channel": {"Name": ["GFP", "DAPI", "RFP"]}}
        tifffile.imwrite(file, np.stack([others[0], nuclei, others[1]]), ome=True, metadata=names)
    return folder


def test_the_channel_of_a_training_is_that_of_the_inference(stained: Path, tmp_path: Path) -> None:
    bundle = copied("patch_attention_unet", tmp_path)
    bundle.run("train", dataset_dir=stained, max_epochs=1, channel="['DAPI']", in_channels=1)
    kept = json.loads((bundle.path / "models/model.json").read_text())["settings"]
    assert (kept["channel"], kept["in_channels"]) == (["DAPI"], 1)
    bundle.run("inference", dataset_dir=stained, output_dir=tmp_path / "kept")
    bundle.run("inference", dataset_dir=stained, output_dir=tmp_path / "said", channel=1)
    for name, labels in labels_in(tmp_path / "kept").items():
        np.testing.assert_array_equal(labels, labels_in(tmp_path / "said")[name])


@pytest.mark.parametrize(
    ("options", "channels", "starts"),
    [({"channel": ["DAPI"]}, 1, True), ({"channel": [0, 1]}, 2, False), ({}, 3, False)],
    ids=["one", "two", "all three"],
)
def test_a_plan_is_made_for_the_chosen_channels(
    stained: Path, options: dict[str, object], channels: int, starts: bool
) -> None:
    found = prepare(list_items(stained), options=options, seconds=0.5)
    assert found.facts.channels == channels
    assert bool(found.trials) >= starts
    own = {kept_settings(trial.model / WEIGHTS)["in_channels"] for trial in found.trials}
    assert starts or own <= {channels}  # stains are not converted to the grey and the colours of models
    shared = found.plan.options("shared")
    assert shared.get("settings#in_channels", channels) == channels
    assert shared.get("settings#channel") == options.get("channel")


def test_a_stack_is_not_trained_on(tmp_path: Path) -> None:
    folder = write_synthetic_dataset("nuclei", tmp_path / "set", count=2, size=(64, 80)).parent
    file = next((folder / "images").glob("*.tif"))
    planes = np.stack([np.squeeze(tifffile.imread(file))] * 3)
    tifffile.imwrite(file, planes, imagej=True, metadata={"axes": "ZYX"})
    with pytest.raises(
        ValueError, match=r"is a stack of 3 planes, but networks learn from planes; choose .* --z"
    ):
        prepare(list_items(folder), "none")
    tifffile.imwrite(folder / "images" / file.name, planes, imagej=True, metadata={"axes": "ZYX"})
    other = next(each for each in (folder / "images").glob("*.tif") if each != file)
    tifffile.imwrite(
        other, np.stack([np.squeeze(tifffile.imread(other))] * 3), imagej=True, metadata={"axes": "ZYX"}
    )
    found = prepare(list_items(folder), "none", {"select": {"Z": 1}})
    assert found.plan.options("shared")["select"] == {"Z": 1}
