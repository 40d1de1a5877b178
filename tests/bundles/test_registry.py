"""Whatever a user picks by --network_def, --loss, --target and --decoding works together."""

from typing import Any

import pytest
import torch
from monai.bundle import ConfigParser

from cellseg_monai.calibration import CHOICES
from tests.bundles.reduced import BUNDLES, NARROW

LOSSES = ["bce", "bce_tversky", "dice_ce", "dice_ce_softmax", "dice_focal", "dynamic", "focal_tversky"]
TARGETS = ["classes", "foreground", "foreground_distance", "interior_boundary"]
NETWORKS = [
    *("attention_unetpp", "basic_unetpp", "monai_attention_unet", "patch_attention_unet", "skip_swin_unet"),
    *("skip_unet", "stemcell_unet", "swin_unetr", "unet", "unetr"),
]
SIDE = 224  # what Swin-Unet takes


def parsed(bundle: str, **options: Any) -> ConfigParser:
    parser = ConfigParser()
    parser.read_config(str(BUNDLES / bundle / "configs/train.json"))
    parser.update({"device": "$torch.device('cpu')", "classes": {"0": 0, "1": 1, "2": 2}, **options})
    parser.parse()
    return parser


def loss_of_a_step(parser: ConfigParser, network: torch.nn.Module, side: int) -> torch.Tensor:
    """Random images with three cells, through target, network, objective and decoding."""
    image = torch.rand(1, parser.get("in_channels"), side, side)
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


@pytest.mark.parametrize("bundle", sorted(NARROW))
def test_a_calibrated_decoding_is_that_of_inference_and_evaluation_alone(bundle: str) -> None:
    """It is right for the weights that come with the bundle; new ones are to be validated without it."""
    base = ConfigParser.load_config_file(BUNDLES / "_base/shared.yaml")
    train, evaluation, inference = (
        ConfigParser.load_config_files([str(BUNDLES / bundle / f"configs/{name}.json") for name in names])
        for names in (["train"], ["train", "evaluate"], ["inference"])
    )
    for choice in CHOICES:
        assert train[choice] == base[choice]
        assert evaluation[choice] == inference[choice]


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
        **{"networks#patch_attention_unet#channels": [8, 16]},
    )
    network = parser.get_parsed_content("network_def")
    loss_of_a_step(parser, network, side=24).backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_learns(name: str) -> None:
    parser = parsed("patch_attention_unet", network_def=f"%networks#{name}", patch_size=SIDE)
    assert loss_of_a_step(parser, parser.get_parsed_content("network_def").eval(), SIDE).isfinite()


@pytest.mark.parametrize("sign", ["%", "@"], ids=["copied", "referred to"])
@pytest.mark.parametrize("bundle", sorted(NARROW))
def test_another_network_and_loss_work_in_every_bundle(bundle: str, sign: str) -> None:
    parser = parsed(bundle, network_def=f"{sign}networks#swin_unetr", loss=f"{sign}losses#dynamic")
    assert type(parser.get_parsed_content("network_def")).__name__ == "SwinUNETR"
    assert loss_of_a_step(parser, parser.get_parsed_content("network_def").eval(), side=64).isfinite()


def test_no_choice_is_left_out() -> None:
    parser = parsed("patch_attention_unet")
    for key, known in {
        "networks": NETWORKS,
        "losses": LOSSES,
        "targets": TARGETS,
        "decodings": TARGETS,
    }.items():
        assert sorted(parser.get(key)) == known
