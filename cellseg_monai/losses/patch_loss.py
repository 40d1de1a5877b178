"""Base class of the losses: a value for each patch and channel, then reduced to one number.

The loss of a batch is the mean of the losses of its patches, whatever else is in the batch. MONAI's
``batch=True``, which pools the pixels of a batch first, is not offered: the loss of a patch would depend on
the other patches.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn.modules.loss import _Loss

from cellseg_monai.losses.channels import binary_problems

REDUCTIONS = ("mean", "sum", "none")


@dataclass(eq=False, repr=False, kw_only=True)
class PatchLoss(_Loss):
    """Base class of the losses of this package: input format, sample weights and reduction.

    A subclass declares its options as fields and defines :meth:`patch_values`. PyTorch allows plain values to
    be set before a module is initialised, which is what a dataclass does.

    Args:
        include_background: whether to include channel 0 if there are several.
        to_onehot_y: whether the target holds class indices, shape (batch, 1, spatial…).
        softmax: whether the channels are mutually exclusive. By default each channel gets a sigmoid.
        reduction: ``"mean"`` or ``"sum"`` over patches and channels, or ``"none"`` for values of shape
            (batch, channels).

    Raises:
        ValueError: If the reduction is unknown.
    """

    include_background: bool = True
    to_onehot_y: bool = False
    softmax: bool = False
    reduction: str = "mean"

    def __post_init__(self) -> None:
        if self.reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {REDUCTIONS}, not {self.reduction!r}")
        super().__init__(reduction=self.reduction)

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            input: logits of shape (batch, channels, spatial…).
            target: target of the same shape with values 0…1, or class indices with ``to_onehot_y``.
            sample_weight: weights of shape (batch,) that multiply the loss of each sample before the
                reduction. A mean is still over all samples, so a weight of 0.5 halves the contribution of a
                sample.

        Returns:
            One number, or values of shape (batch, channels) with the reduction ``"none"``.
        """
        logits, target = binary_problems(
            input,
            target,
            include_background=self.include_background,
            to_onehot_y=self.to_onehot_y,
            softmax=self.softmax,
        )
        return reduce_patches(self.patch_values(logits, target), self.reduction, sample_weight)

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of each patch and channel, from logits and target of the same shape."""
        raise NotImplementedError(f"{type(self).__name__} does not define patch_values()")


def reduce_patches(values: Tensor, reduction: str, sample_weight: Tensor | None = None) -> Tensor:
    """Weight each sample and reduce.

    Args:
        values: values of shape (batch, channels).
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.
        sample_weight: weights of shape (batch,).

    Returns:
        One number, or the weighted values.

    Raises:
        ValueError: If there is not one weight per sample.

    Example:
        >>> import torch
        >>> reduce_patches(torch.tensor([[1.0], [3.0]]), "mean", sample_weight=torch.tensor([1.0, 0.5]))
        tensor(1.2500)
    """
    if sample_weight is not None:
        if sample_weight.shape != values.shape[:1]:
            raise ValueError(
                f"sample_weight needs shape ({len(values)},), one weight per sample, not shape "
                f"{tuple(sample_weight.shape)}"
            )
        values = values * sample_weight.to(values.device, values.dtype)[:, None]
    if reduction == "mean":
        return values.mean()
    return values.sum() if reduction == "sum" else values
