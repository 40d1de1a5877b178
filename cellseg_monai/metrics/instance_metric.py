"""Instance scores as MONAI metric and as ignite handler for the configuration of a bundle."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from monai.handlers import IgniteMetricHandler

from cellseg_monai.label_maps import is_mask
from cellseg_monai.metrics.cumulative import LabelMapMetric, Reduction
from cellseg_monai.metrics.instance import instance_counts, instance_scores
from cellseg_monai.metrics.matching import check_threshold

InstanceScore = Literal["precision", "recall", "f1", "ap", "sq", "pq"]


class InstanceMetric(LabelMapMetric):
    """A score of objects matched at IoU thresholds, collected over images.

    Images whose truth is a mask of 0 and 255 are left out, as by :func:`~cellseg_monai.jobs.evaluate`.

    Args:
        score: ``"precision"``, ``"recall"``, ``"f1"``, ``"ap"``, ``"sq"`` or ``"pq"``.
        thresholds: least IoU of a match; of several, the mean of the scores is the result.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: counts of all images together.
        empty: the score of an image without objects in either map; NaN leaves it out.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> import torch
        >>> metric = InstanceMetric("f1", thresholds=(0.5, 0.9))
        >>> metric(torch.tensor([[[[1, 1, 0, 2]]]]), torch.tensor([[[[7, 7, 7, 0]]]]))  # IoU 2/3
        tensor([[0.6667, 0.0000]], dtype=torch.float64)
        >>> round(metric.aggregate().item(), 4)
        0.3333
    """

    def __init__(
        self,
        score: InstanceScore = "f1",
        thresholds: float | Sequence[float] = 0.5,
        reduction: Reduction = "mean",
        empty: float = 1.0,
    ) -> None:
        super().__init__(reduction)
        if score not in get_args(InstanceScore):
            raise ValueError(f"score must be one of {', '.join(get_args(InstanceScore))}, not {score}")
        self.score_name = score
        self.thresholds = tuple(float(threshold) for threshold in np.atleast_1d(thresholds))
        if not self.thresholds:
            raise ValueError("thresholds is empty; name at least one IoU to match at, such as 0.5")
        for threshold in self.thresholds:
            check_threshold(threshold)
        self.empty = empty

    def count(self, pred: npt.NDArray[Any], truth: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """TP, FP, FN and the sum of IoU at each threshold; NaN where the truth tells no objects apart."""
        if is_mask(truth):
            return np.full((len(self.thresholds), 4), np.nan)
        return instance_counts(pred, truth, self.thresholds)

    def score(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The score at each threshold."""
        values: npt.NDArray[np.float64] = getattr(instance_scores(counts, self.empty), self.score_name)
        return values


class InstanceHandler(IgniteMetricHandler):
    """Ignite handler of :class:`InstanceMetric`, for ``key_val_metric`` and ``additional_metrics``.

    The scores of each image go to ``engine.state.metric_details``, one column a threshold, where MONAI's
    ``MetricsSaver`` finds them. In a configuration:

        key_metric:
          val_f1:
            _target_: cellseg_monai.metrics.InstanceHandler
            score: f1
            thresholds: 0.5
            output_transform: "$monai.handlers.from_engine(['pred', 'label'])"

    Args:
        score: ``"precision"``, ``"recall"``, ``"f1"``, ``"ap"``, ``"sq"`` or ``"pq"``.
        thresholds: least IoU of a match; of several, the mean of the scores is the result.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: counts of all images together.
        empty: the score of an image without objects in either map; NaN leaves it out.
        output_transform: takes (prediction, truth), both label maps, out of the engine's output.
        save_details: keep the scores of each image.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> engine = Engine(lambda engine, batch: batch)
        >>> InstanceHandler("f1").attach(engine, "val_f1")
        >>> cell = torch.tensor([[[[1, 1, 0]]]])
        >>> engine.run([(cell, cell), (cell, 0 * cell)]).metrics
        {'val_f1': 0.5}
    """

    def __init__(
        self,
        score: InstanceScore = "f1",
        thresholds: float | Sequence[float] = 0.5,
        reduction: Reduction = "mean",
        empty: float = 1.0,
        output_transform: Callable[[Any], Any] = lambda output: output,
        save_details: bool = True,
    ) -> None:
        super().__init__(
            metric_fn=InstanceMetric(score, thresholds, reduction, empty),
            output_transform=output_transform,
            save_details=save_details,
        )
