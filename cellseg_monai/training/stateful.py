"""State of everything that takes part in a training, including what has no ``state_dict`` in MONAI."""

from collections.abc import Mapping
from typing import Any

from ignite.engine import Engine
from monai.handlers import EarlyStopHandler


def kind_of(item: object) -> str:
    """Return the class; the states of two optimizers may have the same form but different meanings.

    Example:
        >>> kind_of(3)
        'builtins.int'
    """
    return f"{type(item).__module__}.{type(item).__qualname__}"


def stateful(item: Any) -> Any:
    """Return what stores the state of an item, with ``state_dict()`` and ``load_state_dict()``.

    Example:
        >>> from torch import nn
        >>> sorted(stateful(nn.Linear(1, 1)).state_dict())
        ['bias', 'weight']
    """
    if isinstance(item, Engine):
        return _BestMetric(item.state)
    if not isinstance(item, EarlyStopHandler):
        return item
    if item._handler is None:
        raise ValueError("EarlyStopHandler has no trainer; call set_trainer() before the training")
    return item._handler  # ignite's handler, which has the state


class _BestMetric:
    """Best metric of an engine, the only part of it that must outlive the process."""

    def __init__(self, state: Any) -> None:
        self.state = state

    def state_dict(self) -> dict[str, Any]:
        return {name: getattr(self.state, name) for name in ("best_metric", "best_metric_epoch")}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        self.state.best_metric, self.state.best_metric_epoch = (
            saved["best_metric"],
            saved["best_metric_epoch"],
        )
