"""Weights of the epoch with the best metric, in the file that bundles ship."""

import logging
import math
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from ignite.engine import Engine, Events
from monai.utils import is_scalar

from cellseg_monai.outputs.former import keep_former
from cellseg_monai.training.tensor_file import as_plain, write_tensors

logger = logging.getLogger(__name__)


class BestWeights:
    """Write the bare ``state_dict`` of a network whenever its metric improves.

    MONAI's ``CheckpointSaver`` writes in place, so a crash leaves half a file. It also forgets the best
    metric when training resumes, or writes more than a bare ``state_dict``, which ``ckpt_export`` and MONAI
    Label do not load. An epoch whose metric is NaN is never the best one.

    If the file already holds weights of another training, such as those of a published bundle, they are
    copied to the folder ``former`` beside it. The name of the copy begins with their SHA-256.

    Attach the handler to the evaluator, and list it in the state of :class:`ResumeHandler`.

    Args:
        path: file of the weights, ``models/model.pt`` in a bundle.
        network: network to save; the ``module`` of a ``DistributedDataParallel``.
        metric: name of the metric; by default the key metric of the evaluator.
        lower_is_better: whether the metric is an error or a loss.
        keep_settings: function that saves the settings of the weights, called with the file after each write.

    Raises:
        ValueError: at the end of an epoch, the evaluator has no such metric, or it is not a single number.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/model.pt"
        >>> best = BestWeights(path, torch.nn.Conv2d(1, 2, 3), metric="f1")
        >>> evaluator = Engine(lambda engine, batch: None)
        >>> best.attach(evaluator)
        >>> evaluator.state.metrics["f1"] = 0.7
        >>> state = evaluator.run([0])
        >>> {name: tuple(tensor.shape) for name, tensor in torch.load(path).items()}
        {'weight': (2, 1, 3, 3), 'bias': (2,)}
    """

    def __init__(
        self,
        path: str | PathLike[str],
        network: torch.nn.Module,
        metric: str | None = None,
        lower_is_better: bool = False,
        keep_settings: Callable[[Path], Any] | None = None,
    ) -> None:
        self.path = Path(path)
        self.network = network
        self.metric = metric
        self.lower_is_better = lower_is_better
        self.keep_settings = keep_settings
        self.best: float | None = None

    def attach(self, engine: Engine) -> None:
        """Register with an evaluator, or with the trainer if that computes the metric."""
        engine.add_event_handler(Events.EPOCH_COMPLETED, self)

    def __call__(self, engine: Any) -> None:
        """Write the weights if the metric has improved."""
        name = self.metric or getattr(engine.state, "key_metric_name", None)
        value = self._value(engine.state.metrics, name)
        first = self.best is None
        if math.isnan(value):
            logger.warning("%s is NaN in epoch %d; its weights are not kept", name, engine.state.epoch)
        elif self.best is None or (value < self.best if self.lower_is_better else value > self.best):
            self.best = value
            if getattr(engine.state, "rank", 0) == 0:
                if first and (kept := keep_former(self.path)) is not None:
                    logger.info("%s: the former weights are kept as %s", self.path, kept)
                write_tensors(as_plain(self.network.state_dict(), "network"), self.path)
                self._keep_settings()
                logger.info("%s: weights of epoch %d, %s %.4f", self.path, engine.state.epoch, name, value)

    def _keep_settings(self) -> None:
        if self.keep_settings is not None:
            self.keep_settings(self.path)

    def _value(self, metrics: Mapping[str, Any], name: str | None) -> float:
        if name is None or name not in metrics:
            raise ValueError(
                f"{self.path}: the evaluator has no metric {name!r}, only {sorted(metrics)}; choose one of "
                "them, or give the evaluator a key metric"
            )
        if not is_scalar(metrics[name]):
            raise ValueError(f"{self.path}: the metric {name!r} is {metrics[name]!r}, not a single number")
        return float(metrics[name])

    def state_dict(self) -> dict[str, float | None]:
        """Return the best metric so far."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: Mapping[str, float | None]) -> None:
        """Continue with the best metric of an earlier run."""
        self.best = state_dict["best"]
        if self.best is not None and self.path.is_file():  # a run may be killed between both writes
            self._keep_settings()
