import io
import logging
import re

import pytest
from ignite.engine import Events
from monai.engines import SupervisedEvaluator
from monai.handlers import MeanSquaredError, ValidationHandler, from_engine

from cellseg_monai.training import ProgressHandler, ResumeHandler


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Each look at the clock takes a second."""
    ticks = iter(range(1, 10_000))
    monkeypatch.setattr("cellseg_monai.training.progress.time.monotonic", lambda: float(next(ticks)))


def test_line_renews_itself_on_a_terminal(make_trainer, make_batch, clock):
    stream = Terminal()
    make_trainer([ProgressHandler(stream=stream)], data=[make_batch()] * 2, epochs=2, lr=0.0).run()
    lines = re.split(r"\r\x1b\[K", stream.getvalue())
    assert [line.partition("  loss")[0] for line in lines] == [
        "",
        "epoch 1/2  1/2",
        "epoch 1/2  2/2",
        "epoch 1/2  2/2",
        "epoch 2/2  1/2",
        "epoch 2/2  2/2",
        "epoch 2/2  2/2",
    ]
    assert [index for index, line in enumerate(lines) if line.endswith("\n")] == [3, 6]


def test_one_log_line_an_epoch_elsewhere(make_trainer, make_batch, caplog):
    stream = io.StringIO()
    with caplog.at_level(logging.INFO, logger="cellseg_monai"):
        make_trainer([ProgressHandler(stream=stream)], data=[make_batch()] * 3, epochs=2, lr=0.0).run()
    assert stream.getvalue() == ""
    assert len(caplog.messages) == 2
    assert re.fullmatch(r"epoch 2/2  3/3  loss 1\.0000  0:00:00 left", caplog.messages[1])


def test_loss_is_the_mean_of_the_epoch(make_trainer, make_batch):
    progress = ProgressHandler()
    trainer = make_trainer([progress], data=[make_batch(), make_batch((2.0, 2.0))], lr=0.0, epochs=2)
    trainer.run()
    assert "loss 2.5000" in progress.line(trainer)  # (1² + 2²) / 2


@pytest.mark.parametrize("decollate", [True, False])
def test_both_forms_of_output(make_trainer, decollate):
    progress = ProgressHandler()
    trainer = make_trainer([progress], lr=0.0, decollate=decollate)
    trainer.run()
    assert "loss 1.0000" in progress.line(trainer)


def test_metric_of_the_evaluator(make_trainer, make_batch, caplog):
    network_trainer = make_trainer([], lr=0.0)
    error = MeanSquaredError(output_transform=from_engine(["pred", "label"]))
    evaluator = SupervisedEvaluator(
        "cpu", [make_batch()], network_trainer.network, key_val_metric={"error": error}
    )
    handlers = [ValidationHandler(1, evaluator), ProgressHandler(evaluator)]
    with caplog.at_level(logging.INFO, logger="cellseg_monai"):
        make_trainer(handlers, network_trainer.network, lr=0.0).run()
    assert "loss 1.0000  error 1.0000  0:00:00 left" in caplog.text


def test_time_left(make_trainer, make_batch, monkeypatch):
    """Two seconds an iteration; after the first of six there are five, ten seconds."""
    now = [100.0]
    monkeypatch.setattr("cellseg_monai.training.progress.time.monotonic", lambda: now[0])
    progress, lines = ProgressHandler(), []
    trainer = make_trainer([progress], data=[make_batch()] * 3, epochs=2)
    trainer.add_event_handler(Events.ITERATION_STARTED, lambda engine: now.__setitem__(0, now[0] + 2))
    trainer.add_event_handler(Events.ITERATION_COMPLETED, lambda engine: lines.append(progress.line(engine)))
    trainer.run()
    assert [line.rpartition("  ")[2] for line in lines] == [f"0:00:{10 - 2 * n:02d} left" for n in range(6)]


def test_time_left_of_a_resumed_run(make_trainer, make_batch, monkeypatch, tmp_path):
    """What was done before took no time of this run."""
    now, lines = [100.0], []
    monkeypatch.setattr("cellseg_monai.training.progress.time.monotonic", lambda: now[0])
    for epochs in (3, 5):
        progress = ProgressHandler()
        trainer = make_trainer([progress], epochs=epochs)
        ResumeHandler(tmp_path / "state.pt", {"network": trainer.network}).attach(trainer)
        trainer.add_event_handler(Events.ITERATION_STARTED, lambda engine: now.__setitem__(0, now[0] + 2))
        trainer.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine, progress=progress: lines.append(progress.line(engine))
        )
        trainer.run()
    assert [line.rpartition("  ")[2] for line in lines[3:]] == ["0:00:02 left", "0:00:00 left"]
