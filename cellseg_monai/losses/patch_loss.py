"""A loss is computed for every patch and channel by itself, then reduced to a number.

So a batch has the mean of the losses of its patches, whatever else is in it. MONAI's ``batch=True``, which
pools the pixels of a batch first, is not offered: what a patch is worth would depend on its neighbours.
"""

from torch import Tensor
from torch.nn.modules.loss import _Loss

from cellseg_monai.losses.channels import binary_problems

REDUCTIONS = ("mean", "sum", "none")


class PatchLoss(_Loss):
    """What the losses of this package share: the form of the input, the weights of samples, the reduction.

    A subclass says in :meth:`patch_values` what it is about.

    Args:
        include_background: keep channel 0 of several.
        to_onehot_y: the target holds class numbers, shape (batch, 1, spatial…).
        softmax: the channels exclude each other; the default takes the sigmoid of each.
        reduction: "mean" or "sum" over patches and channels, or "none" for the values, (batch, channels).

    Raises:
        ValueError: an unknown reduction.
    """

    def __init__(
        self,
        include_background: bool = True,
        to_onehot_y: bool = False,
        softmax: bool = False,
        reduction: str = "mean",
    ) -> None:
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction must be one of {REDUCTIONS}, not {reduction!r}")
        super().__init__(reduction=reduction)
        self.include_background = include_background
        self.to_onehot_y = to_onehot_y
        self.softmax = softmax

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            input: logits, shape (batch, channels, spatial…).
            target: the same shape with values 0…1, or class numbers for ``to_onehot_y``.
            sample_weight: shape (batch,); multiplies the loss of each sample before the reduction. A mean is
                still over all samples, so that a weight of 0.5 halves what a sample adds.

        Returns:
            A number, or shape (batch, channels) with the reduction "none".
        """
        logits, target = binary_problems(
            input, target, self.include_background, self.to_onehot_y, self.softmax
        )
        return reduce_patches(self.patch_values(logits, target), self.reduction, sample_weight)

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of each patch and channel, from logits and target of the same shape."""
        raise NotImplementedError(f"{type(self).__name__} does not define patch_values()")


def reduce_patches(values: Tensor, reduction: str, sample_weight: Tensor | None = None) -> Tensor:
    """Weigh each sample and reduce.

    Args:
        values: shape (batch, channels).
        reduction: "mean", "sum" or "none".
        sample_weight: shape (batch,).

    Returns:
        A number, or the weighted values.

    Raises:
        ValueError: there is not one weight per sample.

    Example:
        >>> import torch
        >>> reduce_patches(torch.tensor([[1.0], [3.0]]), "mean", sample_weight=torch.tensor([1.0, 0.5]))
        tensor(1.2500)
    """
    if sample_weight is not None:
        if sample_weight.shape != values.shape[:1]:
            raise ValueError(
                f"sample_weight has the shape {tuple(sample_weight.shape)}; give one weight per sample, "
                f"here ({values.shape[0]},)"
            )
        values = values * sample_weight.to(values.device, values.dtype)[:, None]
    if reduction == "mean":
        return values.mean()
    return values.sum() if reduction == "sum" else values
