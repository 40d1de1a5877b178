import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cellseg_monai.networks import (
    AdditiveAttentionGate,
    AttentionUNetPlusPlus,
    GridAttentionGate,
    PatchAttentionUNet,
    SkipUNet,
    attention_maps,
)


def parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def set_all(module: nn.Module, value: float) -> None:
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)


def test_the_additive_gate_by_hand():
    """One channel each, every weight and bias 1, no norm: σ(ReLU(x + 1 + g + 1) + 1)."""
    gate = AdditiveAttentionGate(2, 1, 1, norm="")
    set_all(gate, 1)
    x, g = torch.tensor([[[[2.0, -4.0]]]]), torch.tensor([[[[-3.0, 1.0]]]])
    attention = torch.tensor([[[[2.0, 1.0]]]]).sigmoid()  # ReLU(1) + 1 and ReLU(-1) + 1
    torch.testing.assert_close(gate.attention(x, g), attention)
    torch.testing.assert_close(gate(x, g), x * attention)


def test_the_additive_gate_normalises_all_three_terms():
    gate = AdditiveAttentionGate(2, 4, 6).train()
    x, g = torch.rand(2, 4, 8, 8), torch.rand(2, 6, 8, 8)

    def term(features: torch.Tensor, convolution: nn.Module) -> torch.Tensor:
        return F.batch_norm(convolution(features), None, None, training=True)

    added = F.relu(term(x, gate.input[0]) + term(g, gate.gating[0]))
    expected = x * term(added, gate.agreement[1]).sigmoid()
    torch.testing.assert_close(gate(x, g), expected)


def test_a_group_norm_leaves_the_weight_of_an_image_free():
    gate = AdditiveAttentionGate(2, 8, 8, norm=("group", {"num_groups": 2}))
    assert [type(layer) for layer in gate.modules() if isinstance(layer, nn.GroupNorm)] == [nn.GroupNorm] * 2
    nn.init.constant_(gate.agreement[1].bias, -50)
    assert gate.attention(torch.rand(1, 8, 4, 4), torch.rand(1, 8, 4, 4)).max() < 1e-9


def test_the_grid_gate_by_hand():
    """One channel, weights and biases 1, no norm: θ sums 2×2 pixels, φ adds 1, ψ adds 1, W adds 1."""
    gate = GridAttentionGate(2, 1, 1, norm="")
    set_all(gate, 1)
    x, g = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]]]]), torch.tensor([[[[-7.0]]]])
    attention = torch.tensor(5.0).sigmoid()  # ReLU(1 + 2 + 3 + 4 - 7 + 1) + 1
    torch.testing.assert_close(gate.attention(x, g), attention.expand(1, 1, 2, 2))
    torch.testing.assert_close(gate(x, g), x * attention + 1)


def test_the_grid_gate_resizes_the_gating_map_and_the_attention():
    gate = GridAttentionGate(2, 4, 6).eval()
    x, g = torch.rand(1, 4, 12, 16), torch.rand(1, 6, 2, 3)
    phi = F.interpolate(gate.phi(g), size=(6, 8), mode="bilinear")
    coarse = gate.psi(F.relu(gate.theta(x) + phi)).sigmoid()
    attention = F.interpolate(coarse, size=(12, 16), mode="bilinear")
    torch.testing.assert_close(gate(x, g), gate.output(x * attention))
    assert gate.theta.bias is None


@pytest.mark.parametrize(
    ("widths", "expected"),
    [
        # W_x, W_g and ψ with bias and batch norm: F_int (F_l + F_g + 7) + 3
        pytest.param((128, 256, 256), 256 * (128 + 256 + 7) + 3, id="G2.1"),
        pytest.param((64, 128, 128), 25_475, id="G1.2"),
        pytest.param((32, 64, 64), 6_595, id="G0.3"),
    ],
)
def test_the_published_gates(widths, expected):
    assert parameters(AdditiveAttentionGate(2, *widths)) == expected


@pytest.mark.parametrize("gate", [AdditiveAttentionGate, GridAttentionGate])
def test_half_the_channels_by_default(gate):
    assert parameters(gate(2, 8, 16)) == parameters(gate(2, 8, 16, inter_channels=4))
    assert parameters(gate(2, 8, 16)) != parameters(gate(2, 8, 16, inter_channels=5))


@pytest.mark.parametrize("gate", ["grid", "additive"])
def test_maps_are_what_the_gates_let_pass(gate):
    """At a size that needs no padding, enlarging is the last step; the finest map needs none at all."""
    network = PatchAttentionUNet(2, 1, 1, channels=(16, 32, 64), gate=gate)
    seen = {}
    network.decoder[1].gate.register_forward_hook(lambda module, given, _: seen.update(given=given))
    maps = attention_maps(network, torch.rand(2, 1, 32, 48))
    assert list(maps) == ["decoder.0.gate", "decoder.1.gate"]
    assert all(0 <= weights.min() and weights.max() <= 1 for weights in maps.values())
    assert torch.equal(maps["decoder.1.gate"], network.decoder[1].gate.attention(*seen["given"]))


def test_maps_lie_where_the_image_lies():
    """A padded image gives the same maps as padding it by hand, cut to the image."""
    network = PatchAttentionUNet(2, 1, 1, channels=(8, 16, 32))
    image = torch.rand(1, 1, 29, 34)
    padded = attention_maps(network, F.pad(image, (0, 2, 0, 3), mode="replicate"))
    for gate, weights in attention_maps(network, image).items():
        torch.testing.assert_close(weights, padded[gate][..., :29, :34])


def test_reading_maps_leaves_the_network_as_it_was():
    network = PatchAttentionUNet(2, 1, 1, channels=(8, 16)).train()
    network.encoder.eval()
    modes = [module.training for module in network.modules()]
    attention_maps(network, torch.rand(1, 1, 16, 16))
    assert [module.training for module in network.modules()] == modes
    assert not any(module._forward_hooks for module in network.modules())
    torch.jit.script(network)


def test_maps_of_a_pruned_network_are_those_of_the_gates_that_run():
    channels, gates = (4, 8, 16, 32), ["G1.1", "G2.1"]
    pruned = AttentionUNetPlusPlus(
        2, 1, 1, channels=channels, gates=gates, deep_supervision=True, output_depth=2
    )
    assert list(attention_maps(pruned, torch.rand(1, 1, 16, 16))) == ["nodes.X1_1.gates.0"]


def test_a_network_without_gates_has_no_maps():
    with pytest.raises(ValueError, match="SkipUNet has no attention gates"):
        attention_maps(SkipUNet(2, 1, 1, channels=(4, 8)), torch.rand(1, 1, 16, 16))
