"""No step longer than it should be, whatever a strange patch asks for."""

from typing import Any

import torch
from ignite.engine import Engine
from monai.engines.utils import IterationEvents

from cellseg_monai.training.gradients import scale_of, step_follows


class GradientClipper:
    """Scale the gradients down to a norm, if theirs is greater; MONAI's trainers have no option for that.

        g ← g · min(1, max_norm / ‖g‖)

    over all parameters of the network together. In mixed precision the gradients are unscaled first, and with
    accumulation it is their sum that is clipped.

    Args:
        max_norm: the greatest Euclidean norm allowed.

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

    def __init__(self, max_norm: float) -> None:
        if not max_norm > 0:
            raise ValueError(f"max_norm is the greatest norm of the gradients, above 0, not {max_norm}")
        self.max_norm = max_norm

    def attach(self, engine: Engine) -> None:
        """Register with a trainer of MONAI."""
        engine.add_event_handler(IterationEvents.BACKWARD_COMPLETED, self)

    def __call__(self, engine: Any) -> None:
        """Clip, if the optimizer is about to step."""
        if not step_follows(engine):
            return
        if scale_of(engine) is not None:
            engine.scaler.unscale_(engine.optimizer)  # the scaler remembers it, and does not do so twice
        torch.nn.utils.clip_grad_norm_(engine.network.parameters(), self.max_norm)
