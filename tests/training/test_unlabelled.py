"""Unlabelled images in the loss: its weight, its batches, its gradients, and within MONAI's trainer."""

from typing import Any

import pytest
import torch
from ignite.engine import Engine, Events
from monai.engines import SupervisedTrainer
from torch import nn

from cellseg_monai.losses import sigmoid_rampup
from cellseg_monai.training import ConsistencyHandler, MeanTeacher


class Batches(list[dict[str, torch.Tensor]]):
    """A loader that notes which epochs its sampler is told of."""

    def __init__(self, *values: float) -> None:
        super().__init__(
            {"image": torch.full((1, 1), value), "strong": torch.zeros(1, 1)} for value in values
        )
        self.epochs: list[int] = []
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        self.epochs.append(epoch)


def losses(epochs: int, iterations: int, batches: Batches, **options: Any) -> list[float]:
    """Of an engine whose own loss is 1; the term is the square of the value of the batch."""

    def step(engine: Engine, _: int) -> float:
        engine.state.output = {"loss": torch.tensor(1.0)}
        handler(engine)
        return float(engine.state.output["loss"])

    found: list[float] = []
    engine = Engine(step)
    handler = ConsistencyHandler(nn.Identity(), nn.Identity(), batches, nn.MSELoss(), **options)
    handler.attach(engine)
    engine.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: found.append(engine.state.output))
    engine.run(range(iterations), max_epochs=epochs)
    return found


def test_batches_begin_anew_in_each_epoch_and_when_they_run_out() -> None:
    batches = Batches(1, 2)
    assert losses(2, 3, batches) == [2, 5, 2, 2, 5, 2]
    assert batches.epochs == [1, 2]


def test_the_term_has_its_weight() -> None:
    assert losses(1, 1, Batches(2), weight=0.5) == [3]
    assert losses(1, 1, Batches(2), weight=0) == [1]


def test_the_ramp_counts_the_epochs_that_are_done() -> None:
    found = losses(3, 1, Batches(1), rampup=lambda done: sigmoid_rampup(done, 2))
    assert found == pytest.approx([1 + sigmoid_rampup(0, 2), 1 + sigmoid_rampup(1, 2), 2])


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(ValueError, match=r"weight of the consistency must not be negative, but is -1"):
        ConsistencyHandler(nn.Identity(), nn.Identity(), Batches(1), nn.MSELoss(), weight=-1)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_the_student_learns_from_what_the_teacher_says(weight: float) -> None:
    """By MONAI's trainer, whose own data ask for nothing: the loss of labelled images is 0 throughout."""
    student = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.constant_(student.weight, 0.5)
    teacher = nn.Conv2d(1, 1, 1, bias=False)
    nn.init.ones_(teacher.weight)
    ones = torch.ones(1, 1, 4, 4)
    handler = ConsistencyHandler(
        student, teacher, [{"image": ones, "strong": ones}], nn.MSELoss(), weight=weight
    )
    data = [{"image": torch.zeros(1, 1, 4, 4), "label": torch.zeros(1, 1, 4, 4)}] * 5
    optimizer = torch.optim.SGD(student.parameters(), lr=0.2)
    trainer = SupervisedTrainer("cpu", 4, data, student, optimizer, nn.MSELoss(), train_handlers=[handler])
    trainer.run()
    assert teacher.weight.grad is None
    assert teacher.weight.item() == 1
    assert student.weight.item() == pytest.approx(1 if weight else 0.5, abs=1e-3)


def test_a_mean_teacher_follows() -> None:
    student = nn.Conv2d(1, 1, 1)
    teacher = MeanTeacher(student, decay=0.5)
    image = torch.rand(1, 1, 4, 4)
    handler = ConsistencyHandler(
        student, teacher.network, [{"image": image, "strong": 1 - image}], nn.MSELoss()
    )
    data = [{"image": image, "label": torch.ones(1, 1, 4, 4)}] * 3
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    before = teacher.network.bias.clone()
    trainer = SupervisedTrainer(
        "cpu", 1, data, student, optimizer, nn.MSELoss(), train_handlers=[teacher, handler]
    )
    trainer.run()
    assert not torch.equal(teacher.network.bias, before)
    assert not torch.equal(teacher.network.bias, student.bias)
