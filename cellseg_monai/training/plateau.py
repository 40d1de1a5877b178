"""The metric that a schedule waits for."""

from typing import Any

from ignite.engine import Engine
from torch.optim.lr_scheduler import ReduceLROnPlateau


def scheduler_arguments(
    trainer: Engine, *, scheduler: Any, evaluator: Engine, metric: str = "val_mean_dice"
) -> tuple[float, ...]:
    """What the next step of a learning-rate schedule takes: the validation metric, or nothing.

    Args:
        trainer: engine that ends an epoch.
        scheduler: learning-rate schedule.
        evaluator: engine that validates.
        metric: name of its metric; 0 before the first validation.

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
