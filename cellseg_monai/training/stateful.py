"""The state of whatever takes part in a training, also of what MONAI gives no ``state_dict``."""

from typing import Any

from ignite.engine import Engine
from monai.handlers import EarlyStopHandler

from cellseg_monai.training.plain import Plain


def kind_of(item: object) -> str:
    """The class; two optimizers may have states of one form and of another meaning.

    Example:
        >>> kind_of(3)
        'builtins.int'
    """
    return f"{type(item).__module__}.{type(item).__qualname__}"


def state_of(item: Any) -> Any:
    """What must outlive the process: of an engine the best metric, of all else its ``state_dict``.

    Example:
        >>> from torch import nn
        >>> sorted(state_of(nn.Linear(1, 1)))
        ['bias', 'weight']
    """
    if isinstance(item, Engine):
        state: Any = item.state  # MONAI's attributes are not declared
        return {"best_metric": state.best_metric, "best_metric_epoch": state.best_metric_epoch}
    return _holder(item).state_dict()


def load_state(item: Any, saved: Plain) -> None:
    """Put back what :func:`state_of` gave."""
    if isinstance(item, Engine):
        state: Any = item.state
        state.best_metric, state.best_metric_epoch = saved["best_metric"], saved["best_metric_epoch"]
    else:
        _holder(item).load_state_dict(saved)


def _holder(item: Any) -> Any:
    """MONAI's early stop has no state of its own, but hides ignite's, which has."""
    if not isinstance(item, EarlyStopHandler):
        return item
    if item._handler is None:
        raise ValueError("EarlyStopHandler has no trainer; call set_trainer() before the training")
    return item._handler
