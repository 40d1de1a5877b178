"""Progress of the training, with the time left."""

import logging
import math
import sys
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TextIO

import torch
from ignite.engine import Engine, Events
from monai.utils import CommonKeys

from cellseg_monai.training.time_limit import TimeLimit

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 0.1


@dataclass(eq=False)
class ProgressHandler:
    """Show epoch, loss, metric and time left, in one line that is updated or in one log line per epoch.

    The line is updated on a terminal. Elsewhere, in a file or a notebook, only the end of each epoch is
    logged. MONAI's ``StatsHandler`` logs every iteration and no time; ignite's ``ProgressBar`` needs tqdm.

    Attach it to the trainer after the validation, so that the metric is that of the same epoch.

    Args:
        evaluator: evaluator whose key metric is shown; by default the trainer.
        time_limit: time limit of the training, from which the time left is known.
        stream: stream of the line; by default standard error.

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

    evaluator: Engine | None = None
    time_limit: TimeLimit | None = None
    stream: TextIO | None = None

    def __post_init__(self) -> None:
        self._stream = self.stream or sys.stderr
        self._losses: list[float] = []
        self._began = self._drawn = 0.0
        self._before = 0

    def attach(self, engine: Engine) -> None:
        """Register with a MONAI trainer."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.EPOCH_STARTED, self.start_epoch)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.iterate)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish_epoch)

    def start(self, engine: Any) -> None:
        """Reset the clock."""
        self._began = 0.0

    def start_epoch(self, engine: Any) -> None:
        """Start a new mean of the loss."""
        self._losses = []
        if self._began == 0.0:  # first epoch of this run, which may have resumed a training
            self._began, self._before = time.monotonic(), engine.state.iteration

    def iterate(self, engine: Any) -> None:
        """Add the loss to the mean, and update the line if it is due."""
        output = engine.state.output[0] if isinstance(engine.state.output, list) else engine.state.output
        self._losses.append(torch.as_tensor(output[CommonKeys.LOSS]).item())
        if self._stream.isatty() and time.monotonic() - self._drawn > SECONDS_BETWEEN_LINES:
            self._drawn = time.monotonic()
            print(f"\r\x1b[K{self.line(engine)}", end="", file=self._stream, flush=True)

    def finish_epoch(self, engine: Any) -> None:
        """Complete the line of the epoch, or log it."""
        if self._stream.isatty():
            print(f"\r\x1b[K{self.line(engine)}", file=self._stream, flush=True)
        else:
            logger.info(self.line(engine))

    def line(self, engine: Any) -> str:
        """Return the current line."""
        state = engine.state
        done = (state.iteration - 1) % state.epoch_length + 1 if state.epoch_length else state.iteration
        epochs = "" if math.isfinite(self._clock) else f"/{state.max_epochs}"
        parts = [f"epoch {state.epoch}{epochs}", f"{done}/{state.epoch_length or '?'}"]
        parts.append(f"loss {sum(self._losses) / max(len(self._losses), 1):.4f}")
        judge: Any = engine if self.evaluator is None else self.evaluator
        name = judge.state.key_metric_name
        if name in judge.state.metrics:
            parts.append(f"{name} {float(judge.state.metrics[name]):.4f}")
        return "  ".join([*parts, f"{self._time_left(state)} left"])

    @property
    def _clock(self) -> float:
        return math.inf if self.time_limit is None else self.time_limit.left

    def _time_left(self, state: Any) -> str:
        if math.isfinite(left := self._clock):
            return str(timedelta(seconds=max(0, round(left))))
        done = state.iteration - self._before
        if not state.epoch_length or not done:
            return "?"
        remaining = state.max_epochs * state.epoch_length - state.iteration
        return str(timedelta(seconds=round((time.monotonic() - self._began) / done * remaining)))
