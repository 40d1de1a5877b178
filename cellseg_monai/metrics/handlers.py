"""Instance and pixel scores as ignite handlers for the configuration of a bundle.

MONAI's ``MeanDice`` leaves out every image whose truth is empty, even if the prediction is full of cells.
Here a false cell in an empty image lowers the score, and an empty image that is left empty scores 1.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from monai.handlers import IgniteMetricHandler

from cellseg_monai.label_maps import is_mask
from cellseg_monai.metrics.cumulative import LabelMapMetric, Reduction
from cellseg_monai.metrics.instance import InstanceScores, instance_counts, instance_scores
from cellseg_monai.metrics.matching import check_threshold
from cellseg_monai.metrics.pixel import PixelScores, pixel_counts, pixel_scores
from cellseg_monai.metrics.ratio import Scores


class InstanceHandler(IgniteMetricHandler):
    """Ignite handler of a score of objects matched at IoU thresholds.

    Images whose truth is a mask of 0 and 255 are left out, as in :func:`~cellseg_monai.jobs.evaluate`. The
    scores of each image go to ``engine.state.metric_details``, one column per threshold, where MONAI's
    ``MetricsSaver`` finds them. In a configuration:

        key_metric:
          val_f1:
            _target_: cellseg_monai.metrics.InstanceHandler
            score: f1
            thresholds: 0.5
            output_transform: "$monai.handlers.from_engine(['pred', 'label'])"

    Args:
        score: ``"precision"``, ``"recall"``, ``"f1"``, ``"ap"``, ``"sq"`` or ``"pq"``.
        thresholds: one IoU threshold, or several whose scores are averaged; a pair matches at or above it.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: counts of all images together.
        empty: score of an image without objects in either map; NaN leaves it out.
        output_transform: function that extracts (prediction, truth), both label maps, from the engine's
            output.
        save_details: whether to keep the scores of each image.

    Raises:
        ValueError: If an argument is out of range.

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
        score: Literal["precision", "recall", "f1", "ap", "sq", "pq"] = "f1",
        thresholds: float | Sequence[float] = 0.5,
        *,
        reduction: Reduction = "mean",
        empty: float = 1.0,
        output_transform: Callable[[Any], Any] = lambda output: output,
        save_details: bool = True,
    ) -> None:
        at = [float(threshold) for threshold in np.atleast_1d(thresholds)]
        if not at:
            raise ValueError("thresholds is empty; give at least one IoU threshold, such as 0.5")
        for threshold in at:
            check_threshold(threshold)
        at_thresholds = partial(_object_counts, thresholds=at)
        metric = LabelMapMetric(
            at_thresholds, _one_of(instance_scores, InstanceScores, score, empty), reduction
        )
        super().__init__(metric_fn=metric, output_transform=output_transform, save_details=save_details)


class PixelHandler(IgniteMetricHandler):
    """Ignite handler of a score of pixels; by default the foreground Dice of two label maps.

    With classes, the pixels of all images are pooled, and a class that occurs nowhere is left out:
    the score ``"iou"`` is the mean IoU. The mean over images would reward rare classes that are absent from
    most images. The scores of each image go to ``engine.state.metric_details``, one column per class. Pixels
    whose truth is negative are left out, see :func:`pixel_counts`.

    Args:
        score: ``"dice"`` (which is F1), ``"iou"``, ``"precision"``, ``"recall"`` or ``"accuracy"``.
        classes: values to score one by one and average. None scores the foreground, which is any id above 0.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: pixels of all images together. By
            default ``"pooled"`` with classes and ``"mean"`` without.
        empty: score of a class that is in neither map; NaN leaves it out. By default NaN with classes and 1
            without.
        output_transform: function that extracts (prediction, truth) from the engine's output.
        save_details: whether to keep the scores of each image.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> engine = Engine(lambda engine, batch: batch)
        >>> PixelHandler("dice").attach(engine, "val_dice")
        >>> engine.run([(torch.tensor([[[[1, 2, 0]]]]), torch.tensor([[[[5, 0, 0]]]]))]).metrics["val_dice"]
        0.666...

        The mean of 2/4 for class 1 and 1/3 for class 0:

        >>> PixelHandler("iou", classes=[0, 1]).attach(engine, "val_miou")
        >>> maps = torch.tensor([[[[1, 1, 0, 1, 0]]]]), torch.tensor([[[[1, 1, 1, 0, 0]]]])
        >>> engine.run([maps]).metrics["val_miou"]
        0.416...
    """

    def __init__(
        self,
        score: Literal["dice", "iou", "precision", "recall", "accuracy"] = "dice",
        classes: Sequence[int] | None = None,
        *,
        reduction: Reduction | None = None,
        empty: float | None = None,
        output_transform: Callable[[Any], Any] = lambda output: output,
        save_details: bool = True,
    ) -> None:
        if classes is not None and not len(classes):
            raise ValueError("classes is empty; give the values to score, or None for the foreground")
        if reduction is None:
            reduction = "mean" if classes is None else "pooled"
        if empty is None:
            empty = 1.0 if classes is None else float("nan")
        of_classes = partial(pixel_counts, classes=classes)
        score_of = _one_of(pixel_scores, PixelScores, score, empty)
        metric = LabelMapMetric(of_classes, score_of, reduction)
        super().__init__(metric_fn=metric, output_transform=output_transform, save_details=save_details)


def _one_of(
    scores: Callable[..., Any], kind: type[InstanceScores] | type[PixelScores], name: str, empty: float
) -> Callable[[Scores], Scores]:
    if name not in kind._fields:
        raise ValueError(f"score must be one of {', '.join(kind._fields)}, not {name}")
    return lambda counts: getattr(scores(counts, empty), name)


def _object_counts(pred: npt.NDArray[Any], truth: npt.NDArray[Any], thresholds: Sequence[float]) -> Scores:
    """Instance counts, or NaN if the truth does not separate objects."""
    if is_mask(truth):
        return np.full((len(thresholds), 4), np.nan)
    return instance_counts(pred, truth, thresholds)
