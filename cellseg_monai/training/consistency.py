"""Images without labels: the student is to say of a changed image what its teacher says of the image."""

from collections.abc import Callable, Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys

Batches = Any
"""A ``DataLoader`` of dictionaries; a sampler with ``set_epoch`` is told of each epoch."""


class ConsistencyHandler:
    """Add to the loss of each iteration how far the student is from its teacher on unlabelled images.

        L ← L + λ·r(e)·d(student(strong), teacher(weak)),    e = epochs done

    Both see the same patch: the teacher as it is, the student with its intensities changed. The ramp r keeps
    the teacher's early mistakes from counting. MONAI's trainers take one stream of data; this handler brings
    the second one, between the loss of an iteration and its gradients.

    Args:
        student: the network that is trained.
        teacher: another of the same form, as a rule the ``network`` of a :class:`MeanTeacher`.
        batches: unlabelled, each with ``image`` for the teacher and ``strong`` for the student; begun anew in
            each epoch, and as often as they run out.
        loss: d, of the student's and the teacher's answer.
        weight: λ.
        rampup: r, of the epochs done; 1 throughout by default.

    Raises:
        ValueError: a negative weight.

    Example:
        >>> student, teacher = torch.nn.Identity(), torch.nn.Identity()
        >>> batches = [{"image": torch.ones(1, 1), "strong": torch.zeros(1, 1)}]
        >>> handler = ConsistencyHandler(student, teacher, batches, torch.nn.MSELoss(), weight=3)
        >>> engine = Engine(lambda engine, batch: None)
        >>> handler.attach(engine)
        >>> engine.state.output = {"loss": torch.tensor(1.0)}
        >>> engine.fire_event(Events.EPOCH_STARTED)
        >>> handler(engine)
        >>> engine.state.output["loss"]
        tensor(4.)
    """

    def __init__(
        self,
        student: torch.nn.Module,
        teacher: torch.nn.Module,
        batches: Batches,
        loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
        weight: float = 1.0,
        rampup: Callable[[float], float] | None = None,
    ) -> None:
        if weight < 0:
            raise ValueError(f"weight={weight} of the consistency must not be negative")
        self.student = student
        self.teacher = teacher
        self.batches = batches
        self.loss = loss
        self.weight = weight
        self.rampup = rampup
        self._endless: Iterator[Mapping[str, torch.Tensor]] = iter(())

    def attach(self, engine: Engine) -> None:
        """Register with the student's trainer, whose events are those of MONAI."""
        engine.register_events(*IterationEvents)
        engine.add_event_handler(Events.EPOCH_STARTED, self.start_epoch)
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def start_epoch(self, engine: Any) -> None:
        """Begin with the first batch, so that a training that is resumed sees the same ones."""
        told = getattr(getattr(self.batches, "sampler", None), "set_epoch", None)
        if told is not None:
            told(engine.state.epoch)
        self._endless = chain.from_iterable(repeat(self.batches))

    def __call__(self, engine: Any) -> None:
        """Add the term to ``engine.state.output["loss"]``."""
        done = engine.state.epoch - 1
        weight = self.weight * (1.0 if self.rampup is None else self.rampup(done))
        batch = next(self._endless)
        device = engine.state.device if hasattr(engine.state, "device") else None
        weak, strong = (_plain(batch[key]).to(device) for key in (CommonKeys.IMAGE, "strong"))
        with torch.no_grad():
            said = self.teacher(weak)
        term = self.loss(self.student(strong), said)
        engine.state.output[CommonKeys.LOSS] = engine.state.output[CommonKeys.LOSS] + weight * term


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """Without metadata, whose bookkeeping would follow each operation."""
    return tensor.as_tensor() if hasattr(tensor, "as_tensor") else tensor
