"""Weighted cross-entropy plus Tversky loss, for cells that cover a small part of the image.

If cells cover 6 % of the pixels, predicting background everywhere is correct for 94 % of them, and a network
finds that solution first. Both terms make a missed pixel cost more than a false one: the cross-entropy for
each pixel, the Tversky loss for the overlap as a whole.
"""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from cellseg_monai.losses.patch_loss import PatchLoss
from cellseg_monai.losses.tversky import DEFAULT, Tversky, soft_counts


def binary_cross_entropy(logits: Tensor, target: Tensor, pos_weight: float = 1.0) -> Tensor:
    """Mean cross-entropy over the pixels of each patch and channel.

    Args:
        logits: logits of shape (batch, channels, spatial…).
        target: target of the same shape, with values 0…1.
        pos_weight: weight w of foreground pixels in −[w·t·log p + (1−t)·log(1−p)].

    Returns:
        Values of shape (batch, channels).

    Example:
        Both pixels have p = 1/2; (3·log 2 + log 2) / 2 = 2·log 2:

        >>> import torch
        >>> binary_cross_entropy(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]), pos_weight=3)
        tensor([[1.3863]])
    """
    weight = logits.new_full((), pos_weight)
    pixels = F.binary_cross_entropy_with_logits(logits, target, pos_weight=weight, reduction="none")
    return pixels.flatten(2).mean(dim=2)


def bce_tversky_loss(
    logits: Tensor,
    target: Tensor,
    *,
    pos_weight: float = 3.0,
    tversky: Tversky = DEFAULT,
    lambda_bce: float = 1.0,
    lambda_tversky: float = 1.0,
) -> Tensor:
    """λ_bce · BCE_w + λ_tversky · (1 − TI) of each patch and channel.

    Args:
        logits: logits of shape (batch, channels, spatial…).
        target: target of the same shape, with values 0…1.
        pos_weight: weight w of foreground pixels in the cross-entropy.
        tversky: costs and smoothing of the Tversky index; by default α = 0.3 and β = 0.7.
        lambda_bce: weight of the cross-entropy.
        lambda_tversky: weight of the Tversky loss.

    Returns:
        Values of shape (batch, channels).

    Example:
        Both pixels have p = 1/2, so TP = FP = FN = 1/2, the index is 1/2, and the sum 2·log 2 + 1/2:

        >>> import torch
        >>> bce_tversky_loss(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]))
        tensor([[1.8863]])
    """
    distance = tversky.distance(soft_counts(logits, target))
    return lambda_bce * binary_cross_entropy(logits, target, pos_weight) + lambda_tversky * distance


@dataclass(eq=False, repr=False, kw_only=True)
class BCETverskyLoss(PatchLoss):
    """Cross-entropy that weights cells, plus a Tversky loss in which misses cost more than false positives.

    The loss of a patch and channel is λ_bce · BCE_w + λ_tversky · (1 − TI), where

        BCE_w = −mean[w·t·log p + (1−t)·log(1−p)]
        TI    = (TP + s_nr) / (TP + α·FP + β·FN + s_dr)

    with the probability p = sigmoid(logit) and the target t. With the default w = 3, a pixel is best
    predicted as cell from a probability of 1/(1+w) = 25 % on. Full balance at 6 % foreground would be w = 15:
    pixels would be cell from 6 % on, which thickens cells until neighbours merge.

    Args:
        pos_weight: w, weight of foreground pixels in the cross-entropy.
        alpha: α, cost of a false positive.
        beta: β, cost of a false negative.
        lambda_bce: weight of the cross-entropy.
        lambda_tversky: weight of the Tversky loss.
        smooth_nr: s_nr, constant added to the numerator of the index.
        smooth_dr: s_dr, constant added to the denominator.
        include_background: whether to include channel 0 if there are several.
        to_onehot_y: whether the target holds class indices.
        softmax: whether the channels are mutually exclusive.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> import torch
        >>> loss = BCETverskyLoss()
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]))  # 2·log 2 + 1/2
        tensor(1.8863)
    """

    pos_weight: float = 3.0
    alpha: float = 0.3
    beta: float = 0.7
    lambda_bce: float = 1.0
    lambda_tversky: float = 1.0
    smooth_nr: float = 1e-5
    smooth_dr: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.pos_weight <= 0:
            raise ValueError(f"pos_weight must be above 0, not {self.pos_weight}; 1 means equal weights")
        if min(self.lambda_bce, self.lambda_tversky) < 0 or self.lambda_bce + self.lambda_tversky == 0:
            raise ValueError(
                f"lambda_bce={self.lambda_bce} and lambda_tversky={self.lambda_tversky} must not be negative "
                "nor both 0"
            )
        self.tversky = Tversky(self.alpha, self.beta, self.smooth_nr, self.smooth_dr)

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of each patch and channel."""
        return bce_tversky_loss(
            logits,
            target,
            pos_weight=self.pos_weight,
            tversky=self.tversky,
            lambda_bce=self.lambda_bce,
            lambda_tversky=self.lambda_tversky,
        )
