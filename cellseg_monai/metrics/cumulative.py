"""Any function of two label maps as a MONAI metric: counts per image, gathered over processes, then scored.

MONAI's own cumulative metrics keep scores. Scores of images can be averaged, but not pooled, so this metric
keeps counts on the device of the prediction and turns them into scores on request.
"""

import logging
from collections.abc import Callable
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from ignite import distributed as idist
from monai.metrics import CumulativeIterationMetric
from monai.utils import convert_to_numpy, evenly_divisible_all_gather
from torch import Tensor

Reduction = Literal["mean", "median", "pooled"]
"""``mean`` and ``median`` are over the images; ``pooled`` scores the summed counts of all images, so the
weight of an image is proportional to its number of cells."""

_logger = logging.getLogger(__name__)


class LabelMapMetric(CumulativeIterationMetric):
    """A score of two label maps, collected over images.

    Call it with batches, then call :meth:`aggregate` for one number, :meth:`get_buffer` for the scores of
    each image, and :meth:`reset` to start again.

    Args:
        compare: function of a predicted and a true label map that returns a score, or an array of counts for
            ``score``. NaN leaves an image out.
        score: function that turns counts of shape (images, …) into scores of shape (images,) or (images,
            columns). By default ``compare`` returns the score itself.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: counts of all images together,
            which needs ``score``.

    Raises:
        ValueError: If the reduction is unknown, or pooled without ``score``.

    Example:
        >>> from cellseg_monai.metrics import boundary_counts, boundary_f1, boundary_scores
        >>> pred, truth = torch.tensor([[[[0, 1, 1, 0, 0]]]]), torch.tensor([[[[0, 0, 0, 1, 1]]]])
        >>> LabelMapMetric(boundary_f1)(pred, truth)
        tensor([[1.]], dtype=torch.float64)
        >>> pooled = LabelMapMetric(boundary_counts, boundary_scores, reduction="pooled")
        >>> _ = pooled(pred, truth), pooled(pred, 0 * truth)
        >>> round(pooled.aggregate().item(), 3)
        0.667
    """

    _synced: bool  # set by MONAI, which is untyped

    def __init__(
        self,
        compare: Callable[[npt.NDArray[Any], npt.NDArray[Any]], npt.ArrayLike],
        score: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]] | None = None,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        if reduction not in get_args(Reduction):
            raise ValueError(f"reduction must be one of {', '.join(get_args(Reduction))}, not {reduction}")
        if reduction == "pooled" and score is None:
            raise ValueError("reduction='pooled' needs score, a function that scores summed counts")
        self.compare = compare
        self.score = score
        self.reduction = reduction

    def __call__(self, y_pred: Any, y: Any = None) -> Tensor:
        """Compare the images of a batch and return the scores of each, shape (images, columns).

        Args:
            y_pred: predicted label maps, a tensor (batch, 1, …) or a list of tensors (1, …).
            y: true label maps in the same format.
        """
        if y is None or len(y_pred) != len(y):
            found = "no" if y is None else len(y)
            raise ValueError(f"{len(y_pred)} predictions but {found} true label maps; give one for each")
        return self._scores(super().__call__(y_pred, y))

    def aggregate(self) -> Tensor:
        """Score of all images since the last reset, over all processes, as a single number.

        It is the mean over the columns, such as thresholds or classes, without NaN.
        """
        counts = self._gathered()
        if self.reduction == "pooled":
            columns = self._scores(counts.nansum(dim=0, keepdim=True))[0]
        elif self.reduction == "median":
            columns = self._scores(counts).nanquantile(0.5, dim=0)
        else:
            columns = self._scores(counts).nanmean(dim=0)
        value = columns.nanmean()
        if value.isnan():
            _logger.warning("the metric has no value: no image has anything to score")
        return value

    def get_buffer(self) -> Tensor:
        """Scores of each image, shape (images, columns), over all processes."""
        return self._scores(self._gathered())

    def _gathered(self) -> Tensor:
        self._sync()
        counts: Tensor | None = None if self._synced_tensors is None else self._synced_tensors[0]
        if counts is None or not len(counts):
            raise ValueError("the metric has seen no images; call it with images before you request a score")
        return counts

    def _sync(self) -> None:
        # A process without images must take part, or the others wait for it forever.
        if self._buffers is None and not self._synced and idist.get_world_size() > 1:
            empty = torch.zeros(1, 1, 1, 1, dtype=torch.int32)
            no_counts = self._compute_tensor(empty, empty)[:0]
            self._synced_tensors = [evenly_divisible_all_gather(no_counts.to(idist.device()), concat=True)]
            self._synced = True
        super()._sync()

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_kwargs: Any) -> Tensor:
        assert y is not None  # __call__ checks it
        counts = [
            np.asarray(self.compare(_label_map(one, "prediction"), _label_map(other, "truth")), float)
            for one, other in zip(y_pred, y, strict=True)
        ]
        precision = torch.float32 if y_pred.device.type == "mps" else torch.float64
        return torch.from_numpy(np.stack(counts)).to(y_pred.device, precision)

    def _scores(self, counts: Tensor) -> Tensor:
        scores = counts.cpu().numpy().astype(np.float64)
        if self.score is not None:
            scores = np.ascontiguousarray(self.score(scores))
        return torch.from_numpy(scores.reshape(len(scores), -1)).to(counts.device, counts.dtype)


def _label_map(image: Tensor, role: str) -> npt.NDArray[Any]:
    """Label map without its channel, in host memory."""
    if image.dtype in (torch.float16, torch.bfloat16):
        raise ValueError(f"the {role} is {image.dtype}, which rounds ids; convert label maps to int32")
    if image.ndim < 2 or image.shape[0] != 1:
        raise ValueError(f"the {role} must be a label map with one channel, not shape {tuple(image.shape)}")
    array: npt.NDArray[Any] = convert_to_numpy(image[0])
    return array
