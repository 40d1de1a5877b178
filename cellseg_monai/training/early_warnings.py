"""Warn while a training still runs that it leads nowhere, and say what to do."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ignite.distributed as idist
import torch
from ignite.engine import Engine, Events
from monai.data import decollate_batch
from monai.utils import CommonKeys, convert_to_tensor

from cellseg_monai.training.time_limit import TimeLimit

logger = logging.getLogger(__name__)

SOON, QUARTER, THIRD, HALF = 0.1, 0.25, 1 / 3, 0.5
"""Parts of the training after which something is expected."""

VALIDATIONS = EPOCHS = 3
"""Number of validations before the score, and of epochs before the loss, shows a trend."""

POOR, FAIR = 0.05, 0.5
"""Score that is as good as none, and score from which on the loss need not fall."""

LEAST_FALL = 0.05

_CHECK = "check with cellseg data check DATA, and in validation.png, that the masks belong to the images"


@dataclass(eq=False)
class EarlyWarnings:
    """Log a warning, once, when a training goes wrong in a way that its curves show only to the experienced.

    After a tenth of the training: a validation in which nothing is predicted, or three validations with a
    score below 0.05. After a quarter: a score that is still below 0.05, or a class that was in no training
    patch. After a third: a loss that has fallen by less than 5 %, while the score is below 0.5. After half: a
    class that the masks of the validation have, but that is not predicted.

    Attach it to the trainer, and list it in the state of :class:`ResumeHandler`.

    Args:
        evaluator: evaluator of the validation with a key metric; its predictions are decoded maps.
        time_limit: time limit of the training; without one, epochs are counted.
        classes: classes to expect if the masks hold classes; the labels of the training then have a channel
            for each class number.

    Example:
        >>> from monai.engines import SupervisedTrainer
        >>> network = torch.nn.Conv2d(1, 1, 1)
        >>> data = [{"image": torch.ones(1, 1, 2, 2), "label": torch.ones(1, 1, 2, 2)}]
        >>> warnings = EarlyWarnings(Engine(lambda engine, batch: None))
        >>> trainer = SupervisedTrainer(
        ...     "cpu", 3, data, network, torch.optim.SGD(network.parameters(), lr=0.0), torch.nn.MSELoss(),
        ...     train_handlers=[warnings],
        ... )
        >>> trainer.run()
        >>> warnings.state_dict()["told"]
        ['loss']
    """

    evaluator: Engine
    time_limit: TimeLimit | None = None
    classes: Sequence[int] | None = None

    def __post_init__(self) -> None:
        self._told: set[str] = set()
        self._validations, self._best = 0, 0.0
        self._losses: list[torch.Tensor] = []
        self._first: float | None = None
        self._lowest = float("inf")
        self._values = 2 if self.classes is None else max(self.classes) + 1
        self._trained = torch.zeros(self._values, dtype=torch.int64)
        self._validated = torch.zeros(2, self._values, dtype=torch.int64)

    def attach(self, engine: Engine) -> None:
        """Register with a MONAI trainer, and with the evaluator."""
        self._trainer: Any = engine
        engine.add_event_handler(Events.EPOCH_STARTED, lambda: self._losses.clear())
        engine.add_event_handler(Events.ITERATION_COMPLETED, self.iterate)
        engine.add_event_handler(Events.EPOCH_COMPLETED, self.finish_epoch)
        self.evaluator.add_event_handler(Events.EPOCH_STARTED, lambda: self._validated.zero_())
        self.evaluator.add_event_handler(Events.ITERATION_COMPLETED, self.look)
        self.evaluator.add_event_handler(Events.EPOCH_COMPLETED, self.finish_validation)

    def iterate(self, engine: Any) -> None:
        """Note the loss and the classes of a batch."""
        output = engine.state.output
        items = output if isinstance(output, list) else decollate_batch(output)
        self._losses.append(torch.as_tensor(items[0][CommonKeys.LOSS]).detach())
        if self.classes is not None:
            for item in items:
                pixels = _plain(item[CommonKeys.LABEL]).flatten(1).count_nonzero(1)
                self._trained += pixels.to(self._trained.device)

    def finish_epoch(self, engine: Any) -> None:
        """Warn of a loss that does not fall, and of classes without a training patch."""
        part = self._part
        loss = float(torch.stack(self._losses).mean())
        self._first = loss if self._first is None else self._first
        self._lowest = min(self._lowest, loss)
        fallen = self._first - self._lowest >= LEAST_FALL * abs(self._first)
        if part >= THIRD and engine.state.epoch >= EPOCHS and not fallen and self._best < FAIR:
            self._warn(
                "loss",
                f"the loss has fallen by less than {LEAST_FALL:.0%}, from {self._first:.4g} to "
                f"{self._lowest:.4g}, after {part:.0%} of the training: {_CHECK}; then change learning_rate, "
                "or show the network more of the image with a larger patch_size or a scale below 1",
            )
        if self.classes is not None and part >= QUARTER and "annotated" not in self._told:
            pixels = _of_all(self._trained)
            if missing := [number for number in self.classes if not pixels[number]]:
                self._warn(
                    "annotated",
                    f"{_named(missing)} in no training patch after {part:.0%} of the training: compare the "
                    "option classes with the values of the masks, or annotate more images with it",
                )

    def look(self, engine: Any) -> None:
        """Count the pixels of each value in the masks and in the predictions."""
        for item in engine.state.output:
            for row, key in zip(self._validated, (CommonKeys.LABEL, CommonKeys.PRED), strict=True):
                row += self._pixels(item[key])

    def finish_validation(self, engine: Any) -> None:
        """Warn of empty predictions, of a score near zero, and of classes that are not predicted."""
        part = self._part
        truth, found = _of_all(self._validated)
        self._validations += 1
        self._best = max(self._best, float(engine.state.metrics[engine.state.key_metric_name]))
        if part < SOON:
            return
        if truth[1:].any() and not found[1:].any():
            kind = "cell" if self.classes is None else "class but 0"
            remedy = (
                "train longer, or lower threshold and min_size" if self.classes is None else "train longer"
            )
            self._warn(
                "empty",
                f"no {kind} is predicted in any validation image after {part:.0%} of the training: {remedy}; "
                f"if it stays so, {_CHECK}",
            )
        elif self._best < POOR and (self._validations >= VALIDATIONS or part >= QUARTER):
            self._warn(
                "score",
                f"the validation score is still {self._best:.3f} after {part:.0%} of the training: {_CHECK}; "
                "for cells wider than about 60 pixels give a scale below 1, otherwise train longer",
            )
        elif self.classes is not None and part >= HALF:
            if missing := [number for number in self.classes if truth[number] and not found[number]]:
                self._warn(
                    "predicted",
                    f"{_named(missing)} in masks of the validation, but not predicted after {part:.0%} of "
                    "the training: train longer, or annotate more images with it",
                )

    @property
    def _part(self) -> float:
        """Part of the training that is over."""
        if self.time_limit is not None and self.time_limit.minutes is not None:
            return self.time_limit.part
        return float(self._trainer.state.epoch / self._trainer.state.max_epochs)

    def _pixels(self, label_map: torch.Tensor) -> torch.Tensor:
        """Number of pixels of background and cells, or of each class without those that are ignored."""
        values = _plain(label_map).flatten().long()
        values = values.clamp(0, 1) if self.classes is None else values[values >= 0]
        return values.bincount(minlength=self._values).cpu()

    def _warn(self, key: str, message: str) -> None:
        if key not in self._told and idist.get_rank() == 0:
            logger.warning(message)
        self._told.add(key)

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen so far, and which warnings were given."""
        return {
            "told": sorted(self._told),
            "validations": self._validations,
            "best": self._best,
            "first": self._first,
            "lowest": self._lowest,
            "trained": self._trained,
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Continue with what an earlier run has seen."""
        self._told = set(state_dict["told"])
        self._validations, self._best = state_dict["validations"], state_dict["best"]
        self._first, self._lowest = state_dict["first"], state_dict["lowest"]
        self._trained = state_dict["trained"].clone()


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """Drop the metadata."""
    return convert_to_tensor(tensor, track_meta=False)  # type: ignore[no-any-return]


def _of_all(counts: torch.Tensor) -> torch.Tensor:
    """Sum over all processes."""
    return idist.all_reduce(counts.clone()).cpu()  # type: ignore[union-attr]


def _named(numbers: Sequence[int]) -> str:
    return f"class {numbers[0]} is" if len(numbers) == 1 else f"classes {', '.join(map(str, numbers))} are"
