import pytest
import torch
from torch import nn

from cellseg_monai.networks import (
    AdditiveAttentionGate,
    GridAttentionGate,
    PatchAttentionUNet,
    WeightStandardisedConv2d,
)
from tests.networks.contract import NetworkContract, Subject

NARROW = {"spatial_dims": 2, "channels": (4, 8, 16), "norm": ("group", {"num_groups": 2})}


class TestGridGates(NetworkContract):
    subject = Subject(
        network=PatchAttentionUNet,
        narrow=NARROW,
        published={"spatial_dims": 2},
        parameters=8_115_493 + 2 * 32 * 9,  # of one channel, and two more
        dynamo=True,
    )


class TestAdditiveGates(NetworkContract):
    subject = Subject(
        network=PatchAttentionUNet,
        narrow={**NARROW, "gate": "additive"},
        published={"spatial_dims": 2, "gate": "additive"},
        parameters=7_854_133 + 2 * 32 * 9,
    )


@pytest.mark.parametrize(("gate", "kind"), [("grid", GridAttentionGate), ("additive", AdditiveAttentionGate)])
def test_every_skip_has_a_gate(gate, kind):
    network = PatchAttentionUNet(2, 1, 1, gate=gate)
    assert [type(level.gate) for level in network.decoder] == [kind] * 4


def test_a_closed_gate_keeps_the_skip_out():
    """What the encoder's finest map holds does not matter where the gate lets nothing pass."""
    network = PatchAttentionUNet(gate="additive", in_channels=1, out_channels=1, **NARROW)
    level = network.decoder[-1]
    nn.init.constant_(level.gate.agreement[1].bias, -1000)
    decoded = torch.rand(1, 8, 8, 8)
    assert torch.equal(level(decoded, torch.rand(1, 4, 16, 16)), level(decoded, torch.rand(1, 4, 16, 16)))


def test_every_convolution_before_a_norm_is_standardised_and_no_other():
    network = PatchAttentionUNet(2, 1, 1)
    kinds = {(type(layer), layer.kernel_size) for layer in network.modules() if isinstance(layer, nn.Conv2d)}
    assert kinds == {
        (WeightStandardisedConv2d, (3, 3)),
        (nn.Conv2d, (2, 2)),  # θ of the gates
        (nn.Conv2d, (1, 1)),  # φ, ψ and W of the gates, and the head
    }


def test_standardisation_can_be_left_out():
    network = PatchAttentionUNet(2, 1, 1, weight_standardised=False)
    assert not any(isinstance(layer, WeightStandardisedConv2d) for layer in network.modules())


def test_an_image_does_not_depend_on_its_batch():
    network = PatchAttentionUNet(2, 1, 1, channels=(8, 16, 32)).train()
    images = torch.rand(3, 1, 32, 32)
    torch.testing.assert_close(network(images)[:1], network(images[:1]))


def test_volumes():
    network = PatchAttentionUNet(**{**NARROW, "spatial_dims": 3}, in_channels=1, out_channels=2)
    assert network(torch.rand(1, 1, 9, 10, 11)).shape == (1, 2, 9, 10, 11)


def test_an_unknown_gate_is_refused():
    with pytest.raises(ValueError, match="grid, additive, not 'oktay'"):
        PatchAttentionUNet(2, 1, 1, gate="oktay")
