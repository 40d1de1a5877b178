import pytest
import torch

from cellseg_monai.training import FiniteGuard, GradientClipper


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


@pytest.fixture
def spoiling():
    """A network whose gradient is infinite, though its output is not."""
    network = torch.nn.Conv2d(1, 1, 1, bias=False)
    network.weight.register_hook(lambda gradient: gradient * torch.inf)
    return network


def test_finite_training_is_left_alone(make_trainer):
    trainer = make_trainer([FiniteGuard()], epochs=2)
    trainer.run()
    assert trainer.state.iteration == 2


def test_names_the_file_with_bad_pixels(make_trainer, make_batch):
    data = [make_batch(), make_batch((1.0, torch.nan), ("good.tif", "bad.tif"))]
    with pytest.raises(
        ValueError,
        match=r"loss is nan in epoch 1, iteration 2, files good\.tif, bad\.tif; "
        r"the image has NaN or infinite pixels in bad\.tif: correct",
    ):
        make_trainer([FiniteGuard()], data=data).run()


def test_finite_data_make_the_steps_suspect(make_trainer, make_batch):
    trainer = make_trainer([FiniteGuard()], data=[make_batch()], lr=1e30, epochs=5)
    with pytest.raises(ValueError, match=r"loss is inf in epoch 2.* lower the learning rate, or clip"):
        trainer.run()


def test_infinite_loss_leaves_the_weights(make_trainer, make_batch):
    trainer = make_trainer([FiniteGuard()], data=[make_batch((torch.inf, 1.0))])
    with pytest.raises(ValueError, match="loss is inf"):
        trainer.run()
    assert trainer.network.weight.item() == 1


@pytest.mark.parametrize("form", [list, tuple])
def test_batch_without_names(make_trainer, form):
    batch = form([torch.full((2, 1, 2, 2), torch.nan), torch.zeros(2, 1, 2, 2)])
    with pytest.raises(ValueError, match=r"in a batch without file names; the 0 has NaN .* in sample 0, s"):
        make_trainer([FiniteGuard()], data=[batch]).run()


@pytest.mark.parametrize("scale", [None, 1.0], ids=["plain", "scale at its end"])
def test_infinite_gradient(make_trainer, spoiling, scale):
    message = r"1 of 1 gradients are NaN or infinite, the first is that of weight, in epoch 1.*one\.tif"
    with pytest.raises(ValueError, match=message):
        make_trainer([FiniteGuard()], spoiling, scale=scale).run()


def test_scaler_may_come_down_first(make_trainer, spoiling):
    """From 8 it halves to 4, 2 and 1; only then the gradient itself is at fault."""
    trainer = make_trainer([FiniteGuard()], spoiling, epochs=9, scale=8.0)
    with pytest.raises(ValueError, match="in epoch 4, iteration 4"):
        trainer.run()
