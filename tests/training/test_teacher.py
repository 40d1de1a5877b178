import pytest
import torch
from ignite.handlers import EMAHandler

from cellseg_monai.training import MeanTeacher


class Scaled(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, 1, 1, bias=False)
        self.norm = torch.nn.BatchNorm2d(1)

    def forward(self, image):
        return self.norm(self.conv(image))


def set_weight(network, value):
    torch.nn.init.constant_(network.weight, value)


def test_ramp_then_decay():
    """The mean of the start and what came, while 1 − 1/(t + 1) is below the decay; then moving."""
    student = torch.nn.Linear(1, 1, bias=False)
    set_weight(student, 6.0)
    teacher = MeanTeacher(student, decay=0.7)
    seen = []
    for iteration, weight in enumerate([0.0, 3.0, 3.0, 13.0], start=1):
        set_weight(student, weight)
        teacher.update(iteration)
        seen.append(teacher.network.weight.item())
    assert seen == pytest.approx([3.0, 3.0, 3.0, 0.7 * 3 + 0.3 * 13])


def test_decay_of_nothing_is_a_copy():
    student = torch.nn.Linear(1, 1)
    teacher = MeanTeacher(student, decay=0.0)
    set_weight(student, 5.0)
    teacher.update(9)
    assert teacher.network.weight.item() == 5.0


def test_buffers_are_the_teachers_own():
    student = torch.nn.BatchNorm1d(1)
    teacher = MeanTeacher(student, decay=0.5)
    student.running_mean.fill_(8.0)
    student.num_batches_tracked.fill_(3)
    teacher.update(100)
    assert teacher.network.running_mean.item() == 4.0
    assert teacher.network.num_batches_tracked.item() == 3
    student.running_mean.fill_(0.0)
    assert teacher.network.running_mean.item() == 4.0


def test_ignite_shares_the_buffers(make_trainer):
    """The reason for a teacher of our own; should this fail, ignite's may do."""
    student = Scaled()
    handler = EMAHandler(student)
    make_trainer([handler], student).run()
    student.norm.running_mean.fill_(42.0)
    assert handler.ema_model.norm.running_mean.item() == 42.0


def test_follows_a_training(make_trainer):
    student = torch.nn.Conv2d(1, 1, 1, bias=False)
    teacher = MeanTeacher(student)
    torch.nn.init.ones_(student.weight)  # loaded after the teacher was made
    make_trainer([teacher], student, epochs=2).run()
    assert teacher.network.weight.item() == pytest.approx((1 + 0.8 + 0.64) / 3)
    assert not teacher.network.training
    assert not any(tensor.requires_grad for tensor in teacher.network.parameters())


def test_training_under_way_keeps_the_teacher():
    student = torch.nn.Linear(1, 1, bias=False)
    teacher = MeanTeacher(student)
    set_weight(student, 5.0)
    before = teacher.network.weight.item()

    class Engine:
        class state:
            iteration = 7

    teacher.start(Engine)
    assert teacher.network.weight.item() == before


@pytest.mark.parametrize("decay", [-0.1, 1.0, float("nan")])
def test_decay_out_of_range(decay):
    with pytest.raises(ValueError, match=rf"and below 1, not {decay}"):
        MeanTeacher(torch.nn.Linear(1, 1), decay)
