"""What all bundles share is the same in each, to the byte: `TWO_KINDS` of them stand for all in its tests."""

from typing import Any

import pytest
from monai.bundle import ConfigParser

from tests.bundles.reduced import BUNDLES, NARROW

OVERLAYS = [
    "choices.json",
    *("evaluate.json", "inference_large.json", "multi_gpu_evaluate.json", "multi_gpu_train.json"),
    *("semi_supervised.json", "logging.conf"),
]
DATA = {"settings", "channels_last", "skip", "window"}
NETWORK = {"network_def"}
COURSE = {
    *("augmentation", "batch_size", "learning_rate", "loss", "max_epochs", "patches_per_image", "patience"),
    "val_interval",
}
OF_ITS_OWN = {"inference": DATA | NETWORK, "train": DATA | NETWORK | COURSE}
"""What a bundle chooses for itself. Training, validation, inference and export are tested with each."""

SIZE = {"diameter", "inferer"}
OF_ONE_SIZE = {
    "inference": SIZE,
    "train": SIZE | {"keep_cells", "measure_cells", "patches", "train", "validate"},
}
"""What a bundle that brings all cells to one size has besides; it is one of them."""


@pytest.mark.parametrize("file", OVERLAYS)
def test_an_overlay_is_the_same_in_all_bundles(file: str) -> None:
    assert len({(BUNDLES / name / "configs" / file).read_bytes() for name in NARROW}) == 1


@pytest.mark.parametrize("config", OF_ITS_OWN)
def test_bundles_differ_in_nothing_else(config: str) -> None:
    contents: list[dict[str, Any]] = [
        ConfigParser.load_config_file(BUNDLES / name / f"configs/{config}.json") for name in sorted(NARROW)
    ]
    keys = {key for content in contents for key in content}
    different = {key for key in keys if any(content.get(key) != contents[0].get(key) for content in contents)}
    assert different == OF_ITS_OWN[config] | OF_ONE_SIZE[config]
    of_one_size = [content for content in contents if "diameter" in content]
    assert [content["settings"]["diameter"] for content in of_one_size] == [24]


@pytest.mark.parametrize("config", OF_ITS_OWN)
def test_networks_are_wrapped_in_the_same_way(config: str) -> None:
    """Bundles choose another network and its sizes, but build it in the same way."""
    wrapped = []
    for name in sorted(NARROW):
        content = ConfigParser.load_config_file(BUNDLES / name / f"configs/{config}.json")["network_def"]
        assert content.pop("architecture")["_mode_"] == "callable"
        wrapped.append(content)
    assert all(content == wrapped[0] for content in wrapped)
