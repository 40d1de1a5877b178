"""Whatever a user picks by --network_def, --loss, --target and --decoding works together."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

from cellseg_monai.jobs.calibration import CHOICES
from tests.bundles.reduced import BUNDLES, NARROW, copied

LOSSES = ["bce", "bce_tversky", "dice_ce", "dice_ce_softmax", "dice_focal", "dynamic", "focal_tversky"]
TARGETS = ["classes", "foreground", "foreground_distance", "interior_boundary"]
NETWORKS = [
    *("attention_unetpp", "basic_unetpp", "monai_attention_unet", "patch_attention_unet", "skip_swin_unet"),
    *("skip_unet", "stemcell_unet", "swin_unetr", "unet", "unetr"),
]
SIDE = 224  # what Swin-Unet takes


def parsed(bundle: str, **options: Any) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config([str(BUNDLES / bundle / f"configs/{name}.json") for name in ("train", "choices")])
    parser.update({"device": "$torch.device('cpu')", "classes": {"0": 0, "1": 1, "2": 2}, **options})
    parser.parse()
    return parser


def loss_of_a_step(parser: ConfigParser, network: torch.nn.Module, side: int) -> torch.Tensor:
    """Random images with three cells, through target, network, objective and decoding."""
    image = torch.rand(1, parser.get_parsed_content("in_channels"), side, side)
    label = torch.zeros(1, side, side)
    label[0, 2:12, 3:14], label[0, 2:9, 14:20], label[0, 15:20, 5:12] = 1, 2, 1
    target = parser.get_parsed_content("target")({"label": label})["label"]
    logits = network(image)
    assert logits.shape[1:] == target.shape
    decoded = parser.get_parsed_content("decoding")({"pred": logits[0]})["pred"]
    assert decoded.shape == (1, side, side)
    assert decoded.dtype == torch.int32
    loss: torch.Tensor = parser.get_parsed_content("objective")(logits, target[None].float())
    return loss


def decoding_of(bundle: Path, *configs: str, **options: Any) -> dict[str, Any]:
    """Values of the decoding under configurations that are laid over each other."""
    files = [str(bundle / f"configs/{name}.json") for name in configs]
    parser = ConfigParser(ConfigParser.load_config_files(files))
    parser.update({"bundle_root": str(bundle), **options})
    return {name: parser.get_parsed_content(name) for name in CHOICES}


@pytest.mark.parametrize("name", sorted(NARROW))
def test_settings_are_those_of_the_weights_they_were_kept_for(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Other weights in their place are decoded by plain values; what the user gives counts in any case."""
    bundle = copied(name, tmp_path).path
    plain = {"seed_height": 0.25, "threshold": 0.5, "min_size": 15}
    settings = json.loads((bundle / "models/model.json").read_text())["settings"]
    calibrated = {choice: settings[choice] for choice in CHOICES}
    assert (calibrated == plain) == (name == "patch_attention_unet")
    inference, evaluation = ("inference",), ("train", "evaluate")
    assert decoding_of(bundle, "train") == plain
    weights = str(bundle / "models/model.pt")
    assert decoding_of(bundle, "train", pretrained=weights) == calibrated
    assert decoding_of(bundle, "train", pretrained=weights, min_size=7) == calibrated | {"min_size": 7}
    assert decoding_of(bundle, *inference) == decoding_of(bundle, *evaluation) == calibrated
    assert decoding_of(bundle, *inference, weights=None) == calibrated
    assert decoding_of(bundle, *inference, threshold=0.45) == calibrated | {"threshold": 0.45}
    assert not caplog.records
    (bundle / "models/model.pt").write_bytes(b"of another training")
    assert decoding_of(bundle, *inference) == decoding_of(bundle, *evaluation) == plain
    assert "contains the settings of other weights" in caplog.text


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_takes_every_target(loss: str, target: str) -> None:
    if (loss, target) in {("dice_ce_softmax", "foreground"), ("dice_ce_softmax", "foreground_distance")}:
        pytest.skip("classes that exclude each other need at least two channels")
    parser = parsed(
        "patch_attention_unet",
        loss=f"%losses#{loss}",
        target=f"%targets#{target}",
        decoding=f"%decodings#{target}",
        **{"network_def#architecture#channels": [8, 16]},
    )
    network = parser.get_parsed_content("network_def")
    loss_of_a_step(parser, network, side=24).backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize(("alpha", "cell", "background"), [(None, 1, 1), (0.9, 0.9, 0.1)])
def test_alpha_of_the_focal_loss(alpha: float | None, cell: float, background: float) -> None:
    """-α·(1 - p)²·log p of a cell with p = 1/4 and of background with p = 1/2, and the Dice of both."""
    loss = parsed("attention_unetpp", **{"loss#alpha": alpha}).get_parsed_content("loss")
    logits = torch.tensor([[[[-math.log(3), 0.0]]]])
    focal = (cell * 0.75**2 * math.log(4) + background * 0.5**2 * math.log(2)) / 2
    dice = 1 - 2 * 0.25 / (1 + 0.75)
    value = loss(logits, torch.tensor([[[[1.0, 0.0]]]])).item()
    assert value == pytest.approx(0.5 * focal + 0.5 * dice, abs=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns(name: str) -> None:
    parser = parsed("patch_attention_unet", network_def=f"%networks#{name}", patch_size=SIDE)
    assert loss_of_a_step(parser, parser.get_parsed_content("network_def").eval(), SIDE).isfinite()


@pytest.mark.parametrize("name", ["swin_unetr", "unetr"])
def test_a_network_of_one_size_sees_a_window_at_its_scale(name: str) -> None:
    parser = parsed("attention_unetpp", network_def=f"@networks#{name}", patch_size=128, scale=0.5)
    network = parser.get_parsed_content("network").eval()
    assert network(torch.rand(1, 3, 128, 128)).shape == (1, 2, 128, 128)


@pytest.mark.parametrize("sign", ["%", "@"], ids=["copied", "referred to"])
@pytest.mark.parametrize("bundle", sorted(NARROW))
def test_another_network_and_loss_work_in_every_bundle(bundle: str, sign: str) -> None:
    picked = {"network_def": f"{sign}networks#swin_unetr", "loss": f"{sign}losses#dynamic"}
    parser = parsed(bundle, **picked, scale=1.0)
    network = parser.get_parsed_content("network_def").eval()
    assert type(network).__name__ == "SwinUNETR"
    assert loss_of_a_step(parser, network, side=64).isfinite()


def test_no_choice_is_left_out() -> None:
    parser = parsed("patch_attention_unet")
    for key, known in {
        "networks": NETWORKS,
        "losses": LOSSES,
        "targets": TARGETS,
        "decodings": TARGETS,
    }.items():
        assert sorted(parser.get(key)) == known
