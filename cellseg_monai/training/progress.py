"""How far the training is, and how long it will take."""

import logging
import sys
import time
from datetime import timedelta
from typing import Any, TextIO

import torch
from ignite.engine import Engine, Events
from monai.utils import CommonKeys

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 0.1


class ProgressHandler:
    """Show epoch, loss, metric and the time left: one line that renews itself, or one log line an epoch.

    The line renews itself on a terminal. Elsewhere, in a file or a notebook, only the end of each epoch is
    told, through ``logging``. MONAI's ``StatsHandler`` logs every iteration and knows no time; ignite's
    ``ProgressBar`` needs tqdm.

    Attach it to the trainer, after the validation, so that the metric is that of the same epoch.

    Args:
        evaluator: whose key metric is shown; None for that of the trainer, if it has one.
        stream: of the line; None for the standard error.

    Example:
        >>> import torch
        >>> network = torch.nn.Conv2d(1, 1, 1)
        >>> _ = torch.nn.init.zeros_(network.weight), torch.nn.init.zeros_(network.bias)
        >>> from monai.engines import SupervisedTrainer
        >>> data = [{"image": torch.ones(1, 1, 2, 2), "label": torch.ones(1, 1, 2, 2)}]
        >>> progress = ProgressHandler()
        >>> trainer = SupervisedTrainer(
        ...     "cpu", 2, data, network, torch.optim.SGD(network.parameters(), lr=0.1), torch.nn.MSELoss(),
        ...     train_handlers=[progress],
        ... )
        >>> trainer.run()
        >>> progress.line(trainer)
        'epoch 2/2  1/1  loss 0.3600  0:00:00 left'
    """

    def __init__(self, evaluator: Engine | None = None, stream: TextIO | None = None) -> None:
        self.evaluator = evaluator
        self.stream = sys.stderr if stream is None else stream
        self._loss = 0.0
        self._count = 0
        self._began = self._drawn = 0.0
        self._before = 0

    def attach(self, engine: Engine) -> None:
        """Register with a trainer of MONAI."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.EPOCH_STARTED, self.start_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.iterate)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish_epoch)

    def start(self, engine: Any) -> None:
        """Begin to measure time."""
        self._began = 0.0

    def start_epoch(self, engine: Any) -> None:
        """Begin a new mean of the loss."""
        self._loss, self._count = 0.0, 0
        if self._began == 0.0:  # the first epoch of this run, which may have resumed a training
            self._began, self._before = time.monotonic(), engine.state.iteration

    def iterate(self, engine: Any) -> None:
        """Take in the loss, and renew the line if it is time to."""
        output = engine.state.output[0] if isinstance(engine.state.output, list) else engine.state.output
        self._loss += torch.as_tensor(output[CommonKeys.LOSS]).item()
        self._count += 1
        if self.stream.isatty() and time.monotonic() - self._drawn > SECONDS_BETWEEN_LINES:
            self._drawn = time.monotonic()
            self._write(f"\r\x1b[K{self.line(engine)}")

    def finish_epoch(self, engine: Any) -> None:
        """Leave the line of the epoch standing, or log it."""
        if self.stream.isatty():
            self._write(f"\r\x1b[K{self.line(engine)}\n")
        else:
            logger.info(self.line(engine))

    def line(self, engine: Any) -> str:
        """The line as it would be shown now."""
        state = engine.state
        done = (state.iteration - 1) % state.epoch_length + 1 if state.epoch_length else state.iteration
        parts = [f"epoch {state.epoch}/{state.max_epochs}", f"{done}/{state.epoch_length or '?'}"]
        parts.append(f"loss {self._loss / max(self._count, 1):.4f}")
        judge: Any = engine if self.evaluator is None else self.evaluator
        name = judge.state.key_metric_name
        if name in judge.state.metrics:
            parts.append(f"{name} {float(judge.state.metrics[name]):.4f}")
        return "  ".join([*parts, self._time_left(state)])

    def _time_left(self, state: Any) -> str:
        done = state.iteration - self._before
        if not state.epoch_length or not done:
            return "? left"
        remaining = state.max_epochs * state.epoch_length - state.iteration
        seconds = (time.monotonic() - self._began) / done * remaining
        return f"{timedelta(seconds=round(seconds))} left"

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()
