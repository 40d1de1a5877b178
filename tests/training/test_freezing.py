import copy
from collections import OrderedDict

import pytest
import torch

from cellseg_monai.training import FreezeHandler, freeze


@pytest.fixture
def network():
    encoder = torch.nn.Sequential(
        torch.nn.Conv2d(1, 2, 1), torch.nn.BatchNorm2d(2), torch.nn.BatchNorm2d(2, affine=False)
    )
    decoder = torch.nn.Sequential(torch.nn.BatchNorm2d(2), torch.nn.Conv2d(2, 1, 1))
    return torch.nn.Sequential(OrderedDict(encoder=encoder, decoder=decoder))


def changed(before, network):
    return [name for name, tensor in network.state_dict().items() if not torch.equal(tensor, before[name])]


def test_frozen_part_stays_to_the_last_bit(make_trainer, network):
    before = copy.deepcopy(network.state_dict())
    make_trainer([FreezeHandler(network, ["encoder.*"])], network, epochs=3).run()
    found = changed(before, network)
    assert not any(name.startswith("encoder") for name in found)
    assert {"decoder.0.running_mean", "decoder.1.weight"} <= set(found)


def test_without_it_the_statistics_drift(make_trainer, network):
    """What `freeze` alone cannot prevent: the trainer sets the whole network to training mode."""
    freeze(network, ["encoder.*"])
    before = copy.deepcopy(network.state_dict())
    make_trainer([], network).run()
    assert "encoder.1.running_mean" in changed(before, network)


def test_statistics_follow_when_a_parameter_is_trained(make_trainer, network):
    handler = FreezeHandler(network, ["encoder.1.weight"])
    before = copy.deepcopy(network.state_dict())
    make_trainer([handler], network).run()
    found = changed(before, network)
    assert "encoder.1.weight" not in found
    assert "encoder.1.running_mean" in found


def test_leaves_no_hook(make_trainer, network):
    make_trainer([FreezeHandler(network, ["encoder.*"])], network).run()
    assert not network._forward_pre_hooks
    torch.jit.script(network)


def test_run_after_a_failed_run(make_trainer, network):
    handler = FreezeHandler(network, ["encoder.*"])
    with pytest.raises(RuntimeError):
        make_trainer(
            [handler], network, data=[{"image": torch.ones(1, 9, 2, 2), "label": torch.ones(1)}]
        ).run()
    make_trainer([handler], network).run()
    assert not network._forward_pre_hooks


def test_gradient_from_before_is_gone(network):
    network(torch.ones(2, 1, 2, 2)).sum().backward()
    freeze(network, ["encoder.0.*"])
    assert network.encoder[0].weight.grad is None
    assert network.decoder[1].weight.grad is not None


def test_returns_names_in_order_once(network):
    assert freeze(network, ["*.1.weight", "encoder.1.*"]) == [
        "encoder.1.weight",
        "encoder.1.bias",
        "decoder.1.weight",
    ]


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["encodr.*"], r"'encodr\.\*' matches no parameter; similar names: encoder\.\*"),
        (["encoder.0.*", "decoder.0.wieght"], r"similar names: .*decoder\.0\.weight"),
        (["zzz"], "similar names: encoder"),
        (["encoder"], r"'encoder' matches no parameter; similar names: encoder\.\*"),
        (["*"], "freeze every parameter; leave one to train"),
        (["encoder.*", "decoder.*"], "freeze every parameter"),
    ],
    ids=["typing error", "second", "far off", "module", "all", "all in parts"],
)
def test_patterns(network, patterns, message):
    with pytest.raises(ValueError, match=message):
        freeze(network, patterns)
    assert all(tensor.requires_grad for tensor in network.parameters())
