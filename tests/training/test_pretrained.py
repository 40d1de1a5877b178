import logging

import pytest
import torch

from cellseg_monai.training import load_pretrained


def network(classes=2, channels=1):
    return torch.nn.Sequential(torch.nn.Conv2d(channels, 4, 3), torch.nn.Conv2d(4, classes, 1))


@pytest.fixture
def base(tmp_path):
    path = tmp_path / "base.pt"
    torch.save(network().state_dict(), path)
    return path


def test_loads_and_leaves_the_file(base):
    before = base.read_bytes()
    target = network()
    assert load_pretrained(target, base) is target
    expected = torch.load(base)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in target.state_dict().items())
    torch.nn.init.zeros_(target[0].weight)
    assert base.read_bytes() == before


def test_refuses_another_network(base):
    target = network(classes=3)
    before = target[0].weight.clone()
    with pytest.raises(
        ValueError, match=r"base\.pt: belongs to another network: 1\.weight has shape .*allow_mismatch=True"
    ):
        load_pretrained(target, base)
    assert torch.equal(target[0].weight, before)


def test_mismatch_allowed_is_told(base, caplog):
    target = network(classes=3)
    with caplog.at_level(logging.INFO):
        load_pretrained(target, base, allow_mismatch=True)
    assert torch.equal(target[0].weight, torch.load(base)["0.weight"])
    assert "2 of 4 tensors loaded" in caplog.text
    assert "1.bias has shape (2,), not (3,); not loaded" in caplog.text


def test_nothing_fits(base):
    with pytest.raises(ValueError, match=r"weight is missing, bias is missing, .*no tensor fits"):
        load_pretrained(torch.nn.Linear(1, 1), base, allow_mismatch=True)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"model": {"weight": torch.ones(1)}}, r"not a bare state_dict \(keys: model\); save"),
        ({"epoch": 3, "weight": torch.ones(1)}, r"not a bare state_dict \(keys: epoch, weight\)"),
        (torch.ones(3), r"not a bare state_dict \(keys: none\)"),
    ],
    ids=["wrapped", "mixed", "tensor"],
)
def test_no_bare_state(tmp_path, content, message):
    torch.save(content, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match=rf"checkpoint\.pt: {message}"):
        load_pretrained(network(), tmp_path / "checkpoint.pt")


def test_network_with_code(tmp_path):
    torch.save(network(), tmp_path / "network.pt")
    with pytest.raises(ValueError, match=r"network\.pt: contains more than tensors"):
        load_pretrained(network(), tmp_path / "network.pt")


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pt"):
        load_pretrained(network(), tmp_path / "none.pt")
