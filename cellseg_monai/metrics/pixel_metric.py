"""Pixel scores as MONAI metric and as ignite handler for the configuration of a bundle.

MONAI's ``MeanDice`` leaves out every image whose truth is empty, even if the prediction is full of cells.
Here a false cell in an empty image costs, and an empty image that is left empty is right.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from monai.handlers import IgniteMetricHandler

from cellseg_monai.metrics.cumulative import LabelMapMetric, Reduction
from cellseg_monai.metrics.pixel import pixel_counts, pixel_scores

PixelScore = Literal["dice", "iou", "precision", "recall", "accuracy"]


class PixelMetric(LabelMapMetric):
    """A score of pixels, collected over images.

    Args:
        score: ``"dice"`` (which is F1), ``"iou"``, ``"precision"``, ``"recall"`` or ``"accuracy"``.
        classes: values to score one by one, the mean of which is the result; None scores the foreground,
            which is any id above 0.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: pixels of all images together.
        empty: the score of a class that is in neither map; NaN leaves it out.

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> import torch
        >>> metric = PixelMetric("dice")
        >>> metric(torch.tensor([[[[1, 2, 0, 0]]]]), torch.tensor([[[[7, 7, 7, 7]]]]))
        tensor([[0.6667]], dtype=torch.float64)
    """

    def __init__(
        self,
        score: PixelScore = "dice",
        classes: Sequence[int] | None = None,
        reduction: Reduction = "mean",
        empty: float = 1.0,
    ) -> None:
        super().__init__(reduction)
        if score not in get_args(PixelScore):
            raise ValueError(f"score must be one of {', '.join(get_args(PixelScore))}, not {score}")
        if classes is not None and not len(classes):
            raise ValueError("classes is empty; name the values to score, or None for the foreground")
        self.score_name = score
        self.classes = classes
        self.empty = empty

    def count(self, pred: npt.NDArray[Any], truth: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """TP, FP, FN and TN of each class."""
        return pixel_counts(pred, truth, self.classes)

    def score(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The score of each class."""
        values: npt.NDArray[np.float64] = getattr(pixel_scores(counts, self.empty), self.score_name)
        return values


class PixelHandler(IgniteMetricHandler):
    """Ignite handler of :class:`PixelMetric`: with its defaults, the foreground Dice of two label maps.

    The scores of each image go to ``engine.state.metric_details``, one column a class.

    Args:
        score: ``"dice"`` (which is F1), ``"iou"``, ``"precision"``, ``"recall"`` or ``"accuracy"``.
        classes: values to score one by one; None scores the foreground, which is any id above 0.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: pixels of all images together.
        empty: the score of a class that is in neither map; NaN leaves it out.
        output_transform: takes (prediction, truth) out of the engine's output.
        save_details: keep the scores of each image.

    Example:
        >>> import torch
        >>> from ignite.engine import Engine
        >>> engine = Engine(lambda engine, batch: batch)
        >>> PixelHandler("dice").attach(engine, "val_dice")
        >>> engine.run([(torch.tensor([[[[1, 2, 0]]]]), torch.tensor([[[[5, 0, 0]]]]))]).metrics["val_dice"]
        0.666...
    """

    def __init__(
        self,
        score: PixelScore = "dice",
        classes: Sequence[int] | None = None,
        reduction: Reduction = "mean",
        empty: float = 1.0,
        output_transform: Callable[[Any], Any] = lambda output: output,
        save_details: bool = True,
    ) -> None:
        super().__init__(
            metric_fn=PixelMetric(score, classes, reduction, empty),
            output_transform=output_transform,
            save_details=save_details,
        )
