"""Gradient clipping, so that one unusual patch cannot cause a step that is too long."""

from dataclasses import dataclass
from typing import Any

import torch
from ignite.engine import Engine
from monai.engines.utils import IterationEvents

from cellseg_monai.training.gradients import scale_of, step_follows


@dataclass(eq=False)
class GradientClipper:
    """Scale the gradients down if their norm is too large; MONAI's trainers have no option for that.

        g ← g · min(1, max_norm / ‖g‖)

    The norm is over all parameters of the network together. In mixed precision the gradients are unscaled
    first. With gradient accumulation, the sum of the gradients is clipped.

    Args:
        max_norm: largest Euclidean norm allowed.

    Raises:
        ValueError: max_norm is not positive.

    Example:
        >>> from monai.engines import SupervisedTrainer
        >>> network = torch.nn.Conv2d(1, 1, 1, bias=False)
        >>> trainer = SupervisedTrainer(
        ...     "cpu", 1, [{"image": torch.ones(1, 1, 1, 1), "label": torch.full((1, 1, 1, 1), 100.0)}],
        ...     network, torch.optim.SGD(network.parameters(), lr=1), torch.nn.MSELoss(),
        ...     train_handlers=[GradientClipper(0.5)],
        ... )
        >>> before = network.weight.item()
        >>> trainer.run()
        >>> round(network.weight.item() - before, 4)
        0.5
    """

    max_norm: float

    def __post_init__(self) -> None:
        if not self.max_norm > 0:
            raise ValueError(
                f"max_norm, the largest norm of the gradients, must be above 0, not {self.max_norm}"
            )

    def attach(self, engine: Engine) -> None:
        """Register with a MONAI trainer."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Any) -> None:
        """Clip the gradients if the optimizer steps in this iteration."""
        if not step_follows(engine):
            return
        if scale_of(engine) is not None:
            engine.scaler.unscale_(engine.optimizer)  # the scaler remembers this and does not unscale again
        torch.nn.utils.clip_grad_norm_(engine.network.parameters(), self.max_norm)
