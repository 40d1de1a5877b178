"""Argument of a learning-rate schedule that waits for a metric."""

from typing import Any

from ignite.engine import Engine
from torch.optim.lr_scheduler import ReduceLROnPlateau


def scheduler_arguments(
    trainer: Engine, *, scheduler: Any, evaluator: Engine, metric: str = "val_mean_dice"
) -> tuple[float, ...]:
    """Return the arguments of the next step of a learning-rate schedule.

    ``ReduceLROnPlateau`` takes the validation metric, other schedules take nothing.

    Args:
        trainer: engine that ends an epoch.
        scheduler: learning-rate schedule.
        evaluator: engine of the validation.
        metric: name of the validation metric, which counts as 0 before the first validation.

    Example:
        >>> import torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))])
        >>> evaluator = Engine(lambda engine, batch: None)
        >>> evaluator.state.metrics["val_mean_dice"] = 0.7
        >>> scheduler_arguments(evaluator, scheduler=ReduceLROnPlateau(optimizer), evaluator=evaluator)
        (0.7,)
    """
    if not isinstance(scheduler, ReduceLROnPlateau):
        return ()
    return (evaluator.state.metrics.get(metric, 0.0),)
