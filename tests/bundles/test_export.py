"""The bundles as shipped, with their weights and at their scale, exported to TorchScript as documented."""

from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser, ckpt_export

from tests.bundles.reduced import BUNDLES, NARROW

TRACED = {"use_trace": True, "input_shape": [1, 3, 256, 256]}
"""What the card of `swin_unetr` asks for, since MONAI's network cannot be scripted."""


def ready(bundle: Path, **options: Any) -> torch.nn.Module:
    """The network that inference runs, with the weights of the bundle unless it brings its own."""
    parser = ConfigParser(ConfigParser.load_config_file(bundle / "configs/inference.json"))
    parser.update({"bundle_root": str(bundle), "device": "cpu", **options})
    network: torch.nn.Module = parser.get_parsed_content("network")
    if "network_def" not in options:
        weights = torch.load(bundle / "models/model.pt", weights_only=True)
        parser.get_parsed_content("network_def").load_state_dict(weights)
    return network.eval()


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # a trace holds for one size
@pytest.mark.parametrize("name", sorted(NARROW))
def test_the_exported_network_gives_the_same_logits(name: str, tmp_path: Path) -> None:
    bundle, exported = BUNDLES / name, tmp_path / "model.ts"
    ckpt_export(
        net_id="network_def",
        filepath=str(exported),
        ckpt_file=str(bundle / "models/model.pt"),
        meta_file=str(bundle / "configs/metadata.json"),
        config_file=str(bundle / "configs/inference.json"),
        **(TRACED if name == "swin_unetr" else {}),
    )
    eager = ready(bundle)
    loaded = ready(bundle, network_def=f"$torch.jit.load('{exported}')")
    channels = ConfigParser.load_config_file(bundle / "configs/inference.json")["settings"]["in_channels"]
    for sides in [(256, 256)] if name == "swin_unetr" else [(256, 256), (224, 448)]:
        image = torch.rand(1, channels, *sides, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            torch.testing.assert_close(loaded(image), eager(image))
