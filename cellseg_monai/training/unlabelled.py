"""Training on unlabelled images: the student learns the predictions of its teacher (mean teacher)."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from itertools import chain, repeat
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.engines.utils import IterationEvents
from monai.utils import CommonKeys

Batches = Any
"""``DataLoader`` of dictionaries; a sampler with ``set_epoch`` gets the number of each epoch."""


@dataclass(eq=False)
class ConsistencyHandler:
    """Add the distance between the predictions of student and teacher for unlabelled images to the loss.

        L ← L + λ·r(e)·d(student(strong), teacher(weak)),    e = number of finished epochs

    Both get the same patch: the teacher as it is, the student with changed intensities. The ramp r keeps
    early mistakes of the teacher from counting. MONAI's trainers have one stream of data. This handler adds
    the second one, between the loss of an iteration and its gradients.

    Args:
        student: network that is trained.
        teacher: network of the same form, usually the ``network`` of a :class:`MeanTeacher`.
        batches: unlabelled batches with ``image`` for the teacher and ``strong`` for the student. They
            restart in each epoch, and whenever they run out.
        loss: distance d between the outputs of student and teacher.
        weight: factor λ.
        rampup: ramp r as a function of the number of finished epochs; by default always 1.

    Raises:
        ValueError: the weight is negative.

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

    student: torch.nn.Module
    teacher: torch.nn.Module
    batches: Batches
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    _: KW_ONLY
    weight: float = 1.0
    rampup: Callable[[float], float] | None = None

    def __post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError(f"weight of the consistency must not be negative, but is {self.weight}")
        self._endless: Iterator[Mapping[str, torch.Tensor]] = iter(())

    def attach(self, engine: Engine) -> None:
        """Register with the trainer of the student, which must have MONAI's events."""
        engine.register_events(*IterationEvents)
        engine.add_event_handler(Events.EPOCH_STARTED, self.start_epoch)
        engine.add_event_handler(IterationEvents.LOSS_COMPLETED, self)

    def start_epoch(self, engine: Any) -> None:
        """Start with the first batch, so that a resumed training gets the same batches."""
        set_epoch = getattr(getattr(self.batches, "sampler", None), "set_epoch", None)
        if set_epoch is not None:
            set_epoch(engine.state.epoch)
        self._endless = chain.from_iterable(repeat(self.batches))

    def __call__(self, engine: Any) -> None:
        """Add the term to ``engine.state.output["loss"]``."""
        finished = engine.state.epoch - 1
        weight = self.weight * (1.0 if self.rampup is None else self.rampup(finished))
        batch = next(self._endless)
        device = getattr(engine.state, "device", None)
        weak, strong = (_plain(batch[key]).to(device) for key in (CommonKeys.IMAGE, "strong"))
        with torch.no_grad():
            expected = self.teacher(weak)
        term = self.loss(self.student(strong), expected)
        engine.state.output[CommonKeys.LOSS] = engine.state.output[CommonKeys.LOSS] + weight * term


def _plain(tensor: torch.Tensor) -> torch.Tensor:
    """Drop the metadata, which would be copied in each operation."""
    return tensor.as_tensor() if hasattr(tensor, "as_tensor") else tensor


@dataclass(eq=False)
class MeanTeacher:
    """Average the weights of a network over the iterations (mean teacher, arXiv 1703.01780).

        teacher ← d·teacher + (1 − d)·student,    d = min(decay, 1 − 1/(t + 1))

    after iteration t = 1, 2, … The ramp of d makes the teacher forget the untrained start: until d reaches
    the decay, the teacher is the plain mean. Running statistics are averaged too, counters are copied.

    MONAI has no such handler. With ignite's ``EMAHandler`` the teacher shares the running statistics of the
    student instead of copying them, and its ramp restarts when training resumes.

    Before the first iteration, the teacher becomes a copy of the student, which may have loaded weights by
    then. For :class:`ResumeHandler`, list ``MeanTeacher.network`` in its state, and put this handler before
    it.

    Args:
        student: network that is trained.
        decay: value of d after the ramp, at least 0 (a copy of the student) and below 1.

    Raises:
        ValueError: the decay is out of range.

    Attributes:
        network: the teacher, in evaluation mode and without gradients.

    Example:
        >>> student = torch.nn.Linear(1, 1, bias=False)
        >>> torch.nn.init.zeros_(student.weight).item()
        0.0
        >>> teacher = MeanTeacher(student, decay=0.99)
        >>> _ = torch.nn.init.ones_(student.weight)
        >>> teacher.update(iteration=1)  # d = 1/2
        >>> teacher.network.weight.item()
        0.5
    """

    student: torch.nn.Module
    decay: float = 0.99

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise ValueError(
                f"decay must be at least 0 (a copy of the student) and below 1, not {self.decay}"
            )
        self.network = copy.deepcopy(self.student).eval().requires_grad_(False)

    def attach(self, engine: Engine) -> None:
        """Register with the trainer of the student."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine: self.update(engine.state.iteration)
        )

    def start(self, engine: Any) -> None:
        """Copy the student, unless the training has already begun."""
        if engine.state.iteration == 0:
            self.network.load_state_dict(self.student.state_dict())

    @torch.no_grad()
    def update(self, iteration: int) -> None:
        """Move the teacher towards the student.

        Args:
            iteration: iteration t, counted from 1 over the whole training.
        """
        decay = min(self.decay, 1 - 1 / (iteration + 1))
        state = self.network.state_dict()
        for name, value in self.student.state_dict().items():
            if value.is_floating_point():
                state[name].lerp_(value, 1 - decay)
            else:
                state[name].copy_(value)
