"""A training that ends by the clock."""

import time

import pytest
import torch
from ignite.engine import Events
from monai.engines import SupervisedEvaluator, SupervisedTrainer

from cellseg_monai.training import ResumeHandler, TimeLimit

STEP = 0.02


class Slow(torch.nn.Module):
    """A network of one weight whose training step takes a fixed time."""

    def __init__(self, seconds: float = STEP) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))
        self.seconds = seconds

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        time.sleep(self.seconds)
        return image * self.weight


def make(seconds: float, batches: int = 5, **options):
    network = Slow()
    data = [{"image": torch.ones(1, 1), "label": torch.zeros(1, 1)}] * batches
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    evaluator = SupervisedEvaluator("cpu", data[:1], network)
    limit = TimeLimit(seconds / 60, optimizer, evaluator, **options)
    handlers = [limit, *options.pop("handlers", [])]
    trainer = SupervisedTrainer(
        "cpu", 1, data, network, optimizer, torch.nn.MSELoss(), train_handlers=handlers
    )
    return trainer, limit, optimizer, evaluator


def test_ends_in_time_with_a_validation_at_the_end_and_a_learning_rate_of_nearly_zero():
    trainer, limit, optimizer, evaluator = make(1.0)
    began = time.monotonic()
    trainer.run()
    assert time.monotonic() - began < 3
    assert 0.5 < limit.seconds
    assert evaluator.state.epoch == trainer.state.epoch > 1
    assert optimizer.param_groups[0]["lr"] < 0.1 * 0.2


def test_an_epoch_that_would_end_too_late_ends_early_and_is_validated():
    trainer, _, _, evaluator = make(0.3, batches=1000)
    trainer.run()
    assert (trainer.state.epoch, evaluator.state.epoch) == (1, 1)
    assert trainer.state.iteration < 100


def test_validates_at_regular_times():
    trainer, _, _, evaluator = make(1.0, batches=1, validations=4)
    epochs = []
    evaluator.add_event_handler(Events.COMPLETED, lambda engine: epochs.append(engine.state.epoch))
    trainer.run()
    assert 2 <= len(epochs) <= 5


def test_without_a_limit_epochs_count():
    trainer, limit, optimizer, evaluator = make(1.0)
    limit.minutes = None
    trainer = SupervisedTrainer(
        "cpu",
        2,
        trainer.data_loader,
        trainer.network,
        optimizer,
        torch.nn.MSELoss(),
        train_handlers=[limit],
    )
    trainer.run()
    assert (trainer.state.epoch, evaluator.state.epoch) == (2, 0)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_resumed_training_has_the_time_that_was_left(tmp_path):
    def run(stop_after: int | None):
        trainer, limit, optimizer, _ = make(1.0)
        state = {"network": trainer.network, "optimizer": optimizer, "time_limit": limit}
        ResumeHandler(tmp_path / "state.pt", state).attach(trainer)
        if stop_after is not None:

            def stop(engine):
                if engine.state.epoch == stop_after:
                    raise KeyboardInterrupt

            trainer.add_event_handler(Events.EPOCH_STARTED, stop)
        began = time.monotonic()
        try:
            trainer.run()
        except KeyboardInterrupt:
            return limit.seconds, None
        return limit.seconds, time.monotonic() - began

    before, _ = run(stop_after=4)
    total, second = run(stop_after=None)
    assert second < total < 3
    assert total - second == pytest.approx(before, abs=0.5)


def test_one_of_several_processes_can_save_and_show_the_time(monkeypatch):
    """Only the first process saves, and only one on a terminal shows the time: no other would answer."""
    _, limit, _, _ = make(1.0)
    monkeypatch.delattr("cellseg_monai.training.time_limit.idist.broadcast")
    assert 0 <= limit.state_dict()["seconds"] <= limit.seconds
    assert limit.left < 1
    with pytest.raises(AttributeError, match="broadcast"):
        _ = limit.part


@pytest.mark.parametrize(("options", "message"), [
    ({"minutes": 0}, "minutes=0 must be positive"),
    ({"minutes": 1, "validations": 0}, "validations=0 must be at least 1"),
])  # fmt: skip
def test_options_without_meaning_are_rejected(options, message):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
    with pytest.raises(ValueError, match=message):
        TimeLimit(options.pop("minutes"), optimizer, None, **options)
