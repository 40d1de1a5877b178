"""A teacher that is the moving average of its student (mean teacher, arXiv 1703.01780)."""

import copy
from typing import Any

import torch
from ignite.engine import Engine, Events


class MeanTeacher:
    """Average the weights of a network over the iterations.

        teacher ← d·teacher + (1 − d)·student,    d = min(decay, 1 − 1/(t + 1))

    after iteration t = 1, 2, … The ramp in d makes the teacher forget the untrained start: until d reaches
    the decay, it is the plain mean. Running statistics are averaged likewise, counters are copied.

    MONAI has no such handler. ignite's ``EMAHandler`` lets the teacher share the student's running statistics
    rather than copy them, and its ramp starts anew when training resumes.

    Before the first iteration it becomes a copy of the student, which may have loaded weights by then. For
    :class:`ResumeHandler`, list ``MeanTeacher.network`` in its state, and place this handler before it.

    Args:
        student: the network that is trained.
        decay: d after the ramp, from 0 (a copy) to below 1.

    Raises:
        ValueError: the decay is out of its range.

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

    def __init__(self, student: torch.nn.Module, decay: float = 0.99) -> None:
        if not 0 <= decay < 1:
            raise ValueError(f"decay lies from 0 (a copy of the student) to below 1, not {decay}")
        self.student = student
        self.decay = decay
        self.network = copy.deepcopy(student).eval().requires_grad_(False)

    def attach(self, engine: Engine) -> None:
        """Register with the student's trainer."""
        engine.add_event_handler(Events.STARTED, self.start)
        engine.add_event_handler(
            Events.ITERATION_COMPLETED, lambda engine: self.update(engine.state.iteration)
        )

    def start(self, engine: Any) -> None:
        """Copy the student, unless the training is under way already."""
        if engine.state.iteration == 0:
            self.network.load_state_dict(self.student.state_dict())

    @torch.no_grad()
    def update(self, iteration: int) -> None:
        """Move towards the student.

        Args:
            iteration: t, counted from 1 over the whole training.
        """
        decay = min(self.decay, 1 - 1 / (iteration + 1))
        state = self.network.state_dict()
        for name, value in self.student.state_dict().items():
            if value.is_floating_point():
                state[name].lerp_(value, 1 - decay)
            else:
                state[name].copy_(value)
