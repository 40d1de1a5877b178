"""What all bundles share is the same in each, to the byte: `TWO_KINDS` of them stand for all in its tests."""

from typing import Any

import pytest
from monai.bundle import ConfigParser

from tests.bundles.reduced import BUNDLES, NARROW

OVERLAYS = [
    *("evaluate.json", "inference_large.json", "multi_gpu_evaluate.json", "multi_gpu_train.json"),
    *("semi_supervised.json", "logging.conf"),
]
DATA = {"in_channels", "memory_format", "nonzero", "patch_size", "percentiles", "scale", "window"}
NETWORK = {"network_def", "networks"}
DECODING = {"morphology", "tta"}
COURSE = {
    *("augmentation", "batch_size", "learning_rate", "loss", "max_epochs", "patches_per_image", "patience"),
    "val_interval",
}
OF_ITS_OWN = {"inference": DATA | NETWORK | DECODING, "train": DATA | NETWORK | DECODING | COURSE}
"""What a bundle chooses for itself. Training, validation, inference and export are tested with each."""


@pytest.mark.parametrize("file", OVERLAYS)
def test_an_overlay_is_the_same_in_all_bundles(file: str) -> None:
    assert len({(BUNDLES / name / "configs" / file).read_bytes() for name in NARROW}) == 1


@pytest.mark.parametrize("config", OF_ITS_OWN)
def test_bundles_differ_in_nothing_else(config: str) -> None:
    contents: list[dict[str, Any]] = [
        ConfigParser.load_config_file(BUNDLES / name / f"configs/{config}.json") for name in sorted(NARROW)
    ]
    assert all(list(content) == list(contents[0]) for content in contents)
    different = {key for key in contents[0] if any(content[key] != contents[0][key] for content in contents)}
    assert different == OF_ITS_OWN[config]


@pytest.mark.parametrize("config", OF_ITS_OWN)
def test_networks_and_what_wraps_them_have_the_same_parts(config: str) -> None:
    """Bundles choose another network and its sizes, but build it in the same way."""

    def shape(value: Any) -> Any:
        return {key: shape(part) for key, part in value.items()} if isinstance(value, dict) else type(value)

    contents = [
        ConfigParser.load_config_file(BUNDLES / name / f"configs/{config}.json") for name in sorted(NARROW)
    ]
    for key in ("network_def", "networks"):
        assert all(shape(content[key]) == shape(contents[0][key]) for content in contents), key
