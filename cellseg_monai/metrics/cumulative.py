"""What all metrics of label maps share: counts per image, gathered over processes, turned into scores.

MONAI's own cumulative metrics keep scores. Scores of images can be averaged, but not pooled; so these keep
counts, on the device of the prediction, and make scores of them when asked.
"""

import logging
from abc import abstractmethod
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import torch
from ignite import distributed as idist
from monai.metrics import CumulativeIterationMetric
from monai.utils import convert_to_numpy, evenly_divisible_all_gather
from torch import Tensor

Reduction = Literal["mean", "median", "pooled"]
"""``mean`` and ``median`` are over the images; ``pooled`` adds up the counts of all images and scores that:
an image weighs as much as it has cells."""

_logger = logging.getLogger(__name__)


class LabelMapMetric(CumulativeIterationMetric):
    """Base of metrics that compare two label maps an image.

    A subclass says how an image is counted and how counts become scores. Call it with batches, ask
    :meth:`aggregate` for one number, :meth:`get_buffer` for the scores of each image, and :meth:`reset` it.

    Args:
        reduction: ``"mean"``, ``"median"`` or ``"pooled"``.

    Raises:
        ValueError: there is no such reduction.

    Example:
        >>> class CellsFound(LabelMapMetric):
        ...     def count(self, pred, truth):
        ...         return np.array([len(np.unique(pred)) - 1.0, len(np.unique(truth)) - 1.0])
        ...
        ...     def score(self, counts):
        ...         return counts[:, :1] / counts[:, 1:]
        >>> CellsFound()(torch.tensor([[[[0, 1, 1]]]]), torch.tensor([[[[0, 1, 2]]]]))
        tensor([[0.5000]], dtype=torch.float64)
    """

    _synced: bool  # set by MONAI, which is untyped

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        if reduction not in get_args(Reduction):
            raise ValueError(f"reduction must be one of {', '.join(get_args(Reduction))}, not {reduction}")
        self.reduction = reduction

    @abstractmethod
    def count(self, pred: npt.NDArray[Any], truth: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """What is counted in one image, of a fixed shape; counts may be added up, and NaN is left out."""

    @abstractmethod
    def score(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Scores from counts (images, …), of shape (images, columns)."""

    def __call__(self, y_pred: Any, y: Any = None, **kwargs: Any) -> Tensor:
        """Count the images of a batch and return the scores of each, shape (images, columns).

        Args:
            y_pred: predicted label maps, a tensor (batch, 1, …) or a list of tensors (1, …).
            y: true label maps, likewise.
            kwargs: none is known.
        """
        if kwargs:
            raise TypeError(f"{type(self).__name__} knows no argument {', '.join(kwargs)}")
        if y is None or len(y_pred) != len(y):
            there = "no" if y is None else len(y)
            raise ValueError(f"{len(y_pred)} predictions for {there} true label maps; give one for each")
        return self._scores(super().__call__(y_pred, y))

    def aggregate(self) -> Tensor:
        """The score of all images since the last reset, over all processes: a single number.

        It is the mean over the columns, such as thresholds or classes; what is NaN is left out.
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
            _logger.warning("%s has no value: no image has anything to score", type(self).__name__)
        return value

    def get_buffer(self) -> Tensor:
        """The scores of each image, shape (images, columns), over all processes."""
        return self._scores(self._gathered())

    def _gathered(self) -> Tensor:
        self._sync()
        counts: Tensor | None = None if self._synced_tensors is None else self._synced_tensors[0]
        if counts is None or not len(counts):
            raise ValueError(
                f"{type(self).__name__} has seen no image; call it with images before you ask it"
            )
        return counts

    def _sync(self) -> None:
        # A process that was given no image must take part, or the others wait for it without end.
        if self._buffers is None and not self._synced and idist.get_world_size() > 1:
            nothing = np.zeros((1, 1), np.int32)
            none_of_them = torch.from_numpy(self.count(nothing, nothing))[None][:0]
            gathered = evenly_divisible_all_gather(none_of_them.to(idist.device()), concat=True)
            self._synced_tensors = [gathered]
            self._synced = True
        super()._sync()

    def _compute_tensor(self, y_pred: Tensor, y: Tensor | None = None, **_kwargs: Any) -> Tensor:
        assert y is not None  # __call__ has seen to it
        counts = [
            self.count(_label_map(one, "prediction"), _label_map(other, "truth"))
            for one, other in zip(y_pred, y, strict=True)
        ]
        precision = torch.float32 if y_pred.device.type == "mps" else torch.float64
        return torch.from_numpy(np.stack(counts)).to(y_pred.device, precision)

    def _scores(self, counts: Tensor) -> Tensor:
        scores = self.score(counts.cpu().numpy().astype(np.float64))
        return torch.from_numpy(np.ascontiguousarray(scores)).to(counts.device, counts.dtype)


def _label_map(image: Tensor, role: str) -> npt.NDArray[Any]:
    """A label map without its channel, in memory of the host."""
    if image.dtype in (torch.float16, torch.bfloat16):
        raise ValueError(f"the {role} is {image.dtype}, which rounds ids; make label maps int32")
    if image.ndim < 2 or image.shape[0] != 1:
        raise ValueError(
            f"the {role} has the shape {tuple(image.shape)}; a label map has one channel in front, "
            "so decode the network's output before it is scored"
        )
    array: npt.NDArray[Any] = convert_to_numpy(image[0])
    return array
