"""Monte-Carlo dropout alone is on when a network is asked how sure it is."""

import copy
import logging

import pytest
import torch
from monai.networks.nets import SwinUNETR
from torch import nn

from cellseg_monai.networks import (
    AttentionUNetPlusPlus,
    PatchAttentionUNet,
    SkipSwinUNet,
    SkipUNet,
    with_dropout,
)

NETWORKS = {
    "patch_attention_unet": lambda: PatchAttentionUNet(2, 1, 2, channels=(8, 16)),
    "attention_unetpp": lambda: AttentionUNetPlusPlus(2, 1, 2, channels=(4, 4, 8, 8, 8)),
    "skip_unet": lambda: SkipUNet(2, 1, 2, channels=(4, 8)),
    "skip_swin_unet": lambda: SkipSwinUNet(1, 2, feature_size=12, depths=(2, 2), num_heads=(1, 2)),
    "swin_unetr": lambda: SwinUNETR(1, 2, feature_size=12, spatial_dims=2),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_differ_and_nothing_else_changes(name: str) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]()
    image = torch.rand(2, 1, 224 if name == "skip_swin_unet" else 64, 224 if name == "skip_swin_unet" else 64)
    expected = network.eval()(image)
    before = copy.deepcopy(network.state_dict())
    sampled = with_dropout(network, 0.3).train()
    with torch.no_grad():
        first, second = sampled(image), sampled(image)
        assert not first.equal(second)
        assert sampled.state_dict().keys() == before.keys()
        assert all(tensor.equal(before[key]) for key, tensor in sampled.state_dict().items())
        torch.testing.assert_close(sampled.eval()(image), expected)


def test_batch_normalisation_goes_by_what_it_has_learned() -> None:
    """The mean of many predictions is near the sure one; by the statistics of the image it would be 0."""
    torch.manual_seed(0)
    layers = nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.0))
    image = torch.full((1, 1, 100, 100), 5.0)
    with torch.no_grad():
        assert with_dropout(layers, 0.5).train()(image).mean() == pytest.approx(5, abs=0.2)


def test_a_copy_keeps_it() -> None:
    """MONAI Label copies the network before it puts it to use."""
    network = copy.deepcopy(with_dropout(nn.Sequential(nn.BatchNorm2d(1), nn.Dropout(0.0)), 0.5)).train()
    network(torch.ones(1, 1, 8, 8))
    assert not network[0].training
    assert network[1].training
    assert float(network[0].running_mean) == 0


def test_none_leaves_the_network_as_it_is() -> None:
    network = nn.Sequential(nn.Dropout(0.1))
    assert with_dropout(network) is network
    assert network[0].p == 0.1
    torch.jit.script(network)


def test_a_network_without_dropout_says_so(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        with_dropout(nn.Conv2d(1, 1, 1), 0.2)
    assert "Conv2d has no dropout layer" in caplog.text


@pytest.mark.parametrize("dropout", [-0.1, 1.0])
def test_what_is_no_probability_is_refused(dropout: float) -> None:
    with pytest.raises(ValueError, match="dropout must be a probability from 0 to below 1"):
        with_dropout(nn.Dropout(0.1), dropout)
