import pytest
import torch

from cellseg_monai.networks import AdditiveAttentionGate, AttentionUNetPlusPlus
from tests.networks.contract import NetworkContract, Subject

NARROW = {"spatial_dims": 2, "channels": (4, 8, 16), "gates": ["G1.1", "G0.2"]}
UNGATED = 9_163_329
G21, G12, G03 = 100_099, 25_475, 6_595  # F_int (F_l + F_g + 7) + 3


class TestSubmitted(NetworkContract):
    subject = Subject(
        network=AttentionUNetPlusPlus,
        narrow=NARROW,
        published={"spatial_dims": 2},
        parameters=UNGATED + G21 + G12 + G03,
        dynamo=True,
    )


class TestUngated(NetworkContract):
    subject = Subject(
        network=AttentionUNetPlusPlus,
        narrow={**NARROW, "gates": []},
        published={"spatial_dims": 2, "gates": []},
        parameters=UNGATED,
    )


class TestEachSkipGated(NetworkContract):
    subject = Subject(
        network=AttentionUNetPlusPlus,
        narrow={**NARROW, "gated_skips": "each"},
        published={"spatial_dims": 2, "gated_skips": "each"},
        parameters=UNGATED + G21 + 2 * G12 + 3 * G03,
    )


class TestConcatenationGated(NetworkContract):
    subject = Subject(
        network=AttentionUNetPlusPlus,
        narrow={**NARROW, "gated_skips": "concatenation"},
        published={"spatial_dims": 2, "gated_skips": "concatenation"},
        parameters=UNGATED + G21 + (G12 + 128 * 64) + (G03 + 64 * 64),
    )


class TestDeepSupervision(NetworkContract):
    subject = Subject(
        network=AttentionUNetPlusPlus,
        narrow={**NARROW, "deep_supervision": True, "output_depth": 1},
        published={"spatial_dims": 2, "gates": [], "deep_supervision": True},
        parameters=UNGATED + 3 * 33,
    )

    @staticmethod
    def logits(output):
        return torch.stack(output).mean(dim=0) if isinstance(output, list) else output


def build(**changes) -> AttentionUNetPlusPlus:
    torch.manual_seed(0)
    return AttentionUNetPlusPlus(**{**NARROW, "in_channels": 1, "out_channels": 1, **changes})


def gates_of(network: AttentionUNetPlusPlus) -> dict[str, int]:
    """How many gates each node has."""
    return {name: len(node.gates) for name, node in network.nodes.items() if len(node.gates)}


def test_a_gate_can_stand_at_every_node():
    names = [f"G{level}.{column}" for column in range(1, 5) for level in range(5 - column)]
    with torch.device("meta"):
        network = AttentionUNetPlusPlus(2, 3, 1, gates=names, gated_skips="each")
    assert gates_of(network) == {name.replace("G", "X").replace(".", "_"): int(name[-1]) for name in names}
    assert len(names) == 10


@pytest.mark.parametrize(
    ("gated_skips", "widths"),
    [("previous", [4]), ("each", [4, 4]), ("concatenation", [8])],
)
def test_what_a_gate_weighs(gated_skips, widths):
    """G0.2 at two skips of 4 channels and 8 from below; F_g = F_int = 8."""
    gates = build(gated_skips=gated_skips).nodes["X0_2"].gates
    assert [gate.input[0].in_channels for gate in gates] == widths
    assert {(gate.gating[0].in_channels, gate.gating[0].out_channels) for gate in gates} == {(8, 8)}


@pytest.mark.parametrize("gated_skips", ["previous", "each", "concatenation"])
def test_a_node_by_hand(gated_skips):
    node = build(gated_skips=gated_skips).eval().nodes["X0_2"]
    first, second, deeper = torch.rand(1, 4, 16, 16), torch.rand(1, 4, 16, 16), torch.rand(1, 8, 8, 8)
    below = torch.nn.functional.interpolate(deeper, scale_factor=2, mode="bilinear")
    weighed = {
        "previous": lambda: [first, node.gates[0](second, below)],
        "each": lambda: [node.gates[0](first, below), node.gates[1](second, below)],
        "concatenation": lambda: [node.gates[0](torch.cat([first, second], dim=1), below)],
    }[gated_skips]()
    expected = node.block(torch.cat([*weighed, below], dim=1))
    assert torch.equal(node([first, second], deeper), expected)


def test_the_grid_of_nodes_by_hand():
    network, image = build().eval(), torch.rand(1, 1, 16, 16)
    x00, x10, x20 = network.encoder(image)
    x01 = network.nodes["X0_1"]([x00], x10)
    x11 = network.nodes["X1_1"]([x10], x20)
    x02 = network.nodes["X0_2"]([x00, x01], x11)
    assert torch.equal(network(image), network.heads[0](x02))


def test_pruning_gives_the_shallower_output_from_the_same_weights():
    """Instance norm, because it does the same in training and in evaluation."""
    options, image = {"deep_supervision": True, "norm": "instance"}, torch.rand(2, 1, 16, 16)
    whole = build(**options).train()
    for depth, expected in enumerate(whole(image), start=1):
        pruned = build(**options, output_depth=depth).eval()
        pruned.load_state_dict(whole.state_dict())
        torch.testing.assert_close(pruned(image), expected)


def test_pruning_computes_only_what_the_output_needs():
    network = build(deep_supervision=True, output_depth=1).eval()
    ran = []
    for name, module in network.named_modules():
        module.register_forward_hook(lambda *_, name=name: ran.append(name))
    network(torch.rand(1, 1, 16, 16))
    assert [name for name in ran if name in {"encoder.deeper.0", "encoder.deeper.1"}] == ["encoder.deeper.0"]
    assert [name for name in ran if name.count(".") == 1 and name.startswith("nodes")] == ["nodes.X0_1"]
    assert [name for name in ran if name.startswith("heads")] == ["heads.0"]


def test_training_returns_a_list_also_when_scripted():
    network = torch.jit.script(build(deep_supervision=True)).train()
    assert [tuple(logits.shape) for logits in network(torch.rand(2, 1, 15, 16))] == [(2, 1, 15, 16)] * 2
    assert network.eval()(torch.rand(2, 1, 15, 16)).shape == (2, 1, 15, 16)


def test_gates_take_the_norm():
    network = build(norm="instance")
    norms = {
        type(layer)
        for gate in network.modules()
        if isinstance(gate, AdditiveAttentionGate)
        for layer in gate.modules()
    }
    assert torch.nn.InstanceNorm2d in norms
    assert torch.nn.BatchNorm2d not in norms


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            {"gates": ["G1.1", "G2.1", "1.2"]},
            "gates G2.1, 1.2 have no node at depth 2; valid names are G0.1, G1.1, G0.2",
            id="gates",
        ),
        pytest.param({"gated_skips": "all"}, "previous, each, concatenation, not 'all'", id="gated_skips"),
        pytest.param({"output_depth": 3}, "from 1 to the depth 2, not 3", id="too deep"),
        pytest.param({"output_depth": 0}, "from 1 to the depth 2, not 0", id="no depth"),
        pytest.param({"output_depth": 1}, "output_depth 1 of 2 has no trained head", id="untrained head"),
    ],
)
def test_options_that_do_not_exist_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build(**arguments)


def test_volumes():
    network = build(spatial_dims=3, out_channels=2)
    assert network(torch.rand(1, 1, 9, 10, 11)).shape == (1, 2, 9, 10, 11)
