"""End a training by the clock, with a learning rate that falls until then."""

import math
import sys
import time
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events

_COST = 8
"""The time between two validations is at least this many times the duration of a validation."""


@dataclass(eq=False)
class TimeLimit:
    """Train for a given time instead of a given number of epochs, however busy the machine is.

    The learning rate follows a cosine from its initial value to 0, by the time that has passed. The network
    is validated at regular times, at the latest when the time is up, and the duration of a validation is
    taken off. MONAI's schedules and ``ValidationHandler`` count epochs, and ignite's ``TimeLimit`` does not
    validate, and forgets the time when a training resumes.

    List it in the state of :class:`ResumeHandler`: a resumed training has the time that was left when its
    state was saved.

    Args:
        minutes: duration of the training; None for no limit, and then the handler does nothing.
        optimizer: optimizer whose learning rates follow the clock.
        evaluator: engine of the validation.
        validations: number of validations, if they are short.

    Raises:
        ValueError: the duration or the number of validations is not positive.

    Example:
        >>> from monai.engines import SupervisedEvaluator, SupervisedTrainer
        >>> network = torch.nn.Conv2d(1, 1, 1)
        >>> data = [{"image": torch.ones(1, 1, 2, 2), "label": torch.ones(1, 1, 2, 2)}]
        >>> optimizer, loss = torch.optim.SGD(network.parameters(), lr=0.1), torch.nn.MSELoss()
        >>> limit = TimeLimit(0.005, optimizer, SupervisedEvaluator("cpu", data, network))
        >>> trainer = SupervisedTrainer("cpu", 1, data, network, optimizer, loss, train_handlers=[limit])
        >>> trainer.run()
        >>> trainer.state.epoch > 1, limit.seconds < 1, optimizer.param_groups[0]["lr"] < 0.01
        (True, True, True)
    """

    minutes: float | None
    optimizer: torch.optim.Optimizer
    evaluator: Any
    _: KW_ONLY
    validations: int = 16

    def __post_init__(self) -> None:
        if self.minutes is not None and self.minutes <= 0:
            raise ValueError(f"minutes={self.minutes} must be positive, or None for no limit")
        if self.validations < 1:
            raise ValueError(f"validations={self.validations} must be at least 1")
        self._before, self._began = 0.0, time.monotonic()
        self._validated, self._validation = 0.0, 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training so far, without those that were lost in an interruption."""
        return self._before + time.monotonic() - self._began

    @property
    def part(self) -> float:
        """Part of the time that is over by the clock of the first process, from 0 to 1; 0 without a limit."""
        return min(1.0, _first(self.seconds) / (60 * (self.minutes or math.inf)))

    @property
    def left(self) -> float:
        """Seconds until the last validation begins."""
        return 60 * (self.minutes or math.inf) - self._validation - self.seconds

    def attach(self, engine: Engine) -> None:
        """Register with a MONAI trainer."""
        if self.minutes is None:
            return
        for group in self.optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(Events.ITERATION_STARTED, self.set_learning_rate)
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.end_epoch_in_time)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish_epoch)

    def start(self, engine: Engine) -> None:
        """Start the clock, and let only the clock end the training."""
        self._began = time.monotonic()
        engine.state.max_epochs = sys.maxsize

    def set_learning_rate(self, engine: Engine) -> None:
        """Set the learning rate of this moment."""
        part = self.part
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * (1 + math.cos(math.pi * part)) / 2

    def end_epoch_in_time(self, engine: Engine) -> None:
        """End an epoch early if its end would be too late."""
        if _first(self.left) <= 0:
            engine.terminate_epoch()

    def finish_epoch(self, engine: Engine) -> None:
        """Validate if it is time for it; end the training when its time is up."""
        left, now = _first(self.left), _first(self.seconds)
        interval = max(60 * (self.minutes or math.inf) / self.validations, _COST * self._validation)
        if left <= 0 or now - self._validated >= interval:
            self.evaluator.run(engine.state.epoch)
            self._validated = _first(self.seconds)
            self._validation = self._validated - now
        if left <= 0:
            engine.terminate()

    def state_dict(self) -> dict[str, float]:
        """Return the times so far."""
        return {"seconds": self.seconds, "validated": self._validated, "validation": self._validation}

    def load_state_dict(self, state_dict: Mapping[str, float]) -> None:
        """Continue with the times of an earlier run."""
        self._before, self._began = state_dict["seconds"], time.monotonic()
        self._validated, self._validation = state_dict["validated"], state_dict["validation"]


def _first(value: float) -> float:
    """Value of the first process, so that all decide alike; all processes must call this together."""
    return float(idist.broadcast(value, src=0))  # type: ignore[arg-type]
