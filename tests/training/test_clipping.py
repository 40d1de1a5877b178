import pytest
import torch

from cellseg_monai.training import GradientClipper


@pytest.mark.parametrize(
    ("max_norm", "scale", "expected"),
    [(0.5, None, 0.95), (0.5, 1024.0, 0.95), (3.0, None, 0.8), (3.0, 1024.0, 0.8)],
    ids=["clipped", "clipped, scaled", "small enough", "small enough, scaled"],
)
def test_step(make_trainer, max_norm, scale, expected):
    trainer = make_trainer([GradientClipper(max_norm)], scale=scale)
    trainer.run()
    assert trainer.network.weight.item() == pytest.approx(expected)  # w − 0.1·min(2, max_norm)


@pytest.mark.parametrize("scale", [None, 64.0], ids=["plain", "scaled"])
def test_accumulated_gradients_are_clipped_as_one(make_trainer, make_batch, scale):
    """Two halves of the gradient 2 make 2, which becomes 1.5; clipped each, they would make more than 1.5."""
    data = [make_batch(), make_batch(), make_batch()]
    trainer = make_trainer([GradientClipper(1.5)], data=data, scale=scale, accumulation_steps=2, lr=0.2)
    trainer.run()
    after_two = 1 - 0.2 * 1.5
    flushed = 0.5 * 2 * after_two  # the third alone, at half weight
    assert trainer.network.weight.item() == pytest.approx(after_two - 0.2 * flushed)


def test_norm_is_that_of_all_parameters(make_trainer):
    network = torch.nn.Conv2d(1, 1, 1)
    torch.nn.init.ones_(network.weight)
    torch.nn.init.ones_(network.bias)
    trainer = make_trainer([GradientClipper(1.0)], network, lr=1.0)
    trainer.run()
    step = torch.tensor([1 - network.weight.item(), 1 - network.bias.item()])
    assert step.tolist() == pytest.approx([0.5**0.5] * 2)


@pytest.mark.parametrize("max_norm", [0, -1.0, float("nan")])
def test_no_norm(max_norm):
    with pytest.raises(ValueError, match=f"above 0, not {max_norm}"):
        GradientClipper(max_norm)
