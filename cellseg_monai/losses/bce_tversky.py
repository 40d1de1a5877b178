"""Weighted cross-entropy and Tversky loss together, for cells that cover a small part of the image.

Where cells cover 6 % of the pixels, "no cell anywhere" is right for 94 % of them, and a network finds that
answer first. Both terms make a missed pixel dearer than a false one: the first pixel by pixel, the second for
the overlap as a whole.
"""

import torch.nn.functional as F
from torch import Tensor

from cellseg_monai.losses.patch_loss import PatchLoss
from cellseg_monai.losses.tversky import check_prices, check_smoothing, soft_counts, tversky_distance


def binary_cross_entropy(logits: Tensor, target: Tensor, pos_weight: float = 1.0) -> Tensor:
    """Mean cross-entropy over the pixels of each patch and channel.

    Args:
        logits: shape (batch, channels, spatial…).
        target: the same shape, 0…1.
        pos_weight: weight w of foreground pixels in −[w·t·log p + (1−t)·log(1−p)].

    Returns:
        Shape (batch, channels).

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
    pos_weight: float = 3.0,
    alpha: float = 0.3,
    beta: float = 0.7,
    lambda_bce: float = 1.0,
    lambda_tversky: float = 1.0,
    smooth_nr: float = 1e-5,
    smooth_dr: float = 1e-5,
) -> Tensor:
    """λ_bce · BCE_w + λ_tversky · (1 − TI) of each patch and channel.

    Args:
        logits: shape (batch, channels, spatial…).
        target: the same shape, 0…1.
        pos_weight: weight w of foreground pixels in the cross-entropy.
        alpha: price of a false positive.
        beta: price of a false negative.
        lambda_bce: weight of the cross-entropy.
        lambda_tversky: weight of the Tversky loss.
        smooth_nr: added to the numerator of the index.
        smooth_dr: added to the denominator.

    Returns:
        Shape (batch, channels).

    Example:
        Both pixels have p = 1/2, so TP = FP = FN = 1/2, the index is 1/2, and the sum 2·log 2 + 1/2:

        >>> import torch
        >>> bce_tversky_loss(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]))
        tensor([[1.8863]])
    """
    distance = tversky_distance(soft_counts(logits, target), alpha, beta, smooth_nr, smooth_dr)
    return lambda_bce * binary_cross_entropy(logits, target, pos_weight) + lambda_tversky * distance


class BCETverskyLoss(PatchLoss):
    """Cross-entropy with a weight on cells, plus a Tversky loss that punishes misses more than false alarms.

    The loss of a patch and channel is λ_bce · BCE_w + λ_tversky · (1 − TI), where

        BCE_w = −mean[w·t·log p + (1−t)·log(1−p)]
        TI    = (TP + s_nr) / (TP + α·FP + β·FN + s_dr)

    with the probability p = sigmoid(logit) and the target t. The default w = 3 lets a pixel count as cell
    from a probability of 1/(1+w) = 25 % on. Full balance at 6 % foreground would be w = 15: a pixel would
    count from 6 % on, which thickens cells until neighbours join.

    Args:
        pos_weight: w, weight of foreground pixels in the cross-entropy.
        alpha: α, price of a false positive.
        beta: β, price of a false negative.
        lambda_bce: weight of the cross-entropy.
        lambda_tversky: weight of the Tversky loss.
        smooth_nr: s_nr, added to the numerator of the index.
        smooth_dr: s_dr, added to the denominator.
        include_background: keep channel 0 of several.
        to_onehot_y: the target holds class numbers.
        softmax: the channels exclude each other.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> import torch
        >>> loss = BCETverskyLoss()
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]))  # 2·log 2 + 1/2
        tensor(1.8863)
    """

    def __init__(
        self,
        pos_weight: float = 3.0,
        alpha: float = 0.3,
        beta: float = 0.7,
        lambda_bce: float = 1.0,
        lambda_tversky: float = 1.0,
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        include_background: bool = True,
        to_onehot_y: bool = False,
        softmax: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(include_background, to_onehot_y, softmax, reduction)
        if pos_weight <= 0:
            raise ValueError(f"pos_weight must be greater than 0, not {pos_weight}; 1 weighs both the same")
        if min(lambda_bce, lambda_tversky) < 0 or lambda_bce + lambda_tversky == 0:
            raise ValueError(
                f"lambda_bce={lambda_bce} and lambda_tversky={lambda_tversky} must not be negative nor both 0"
            )
        check_prices(alpha, beta)
        check_smoothing(smooth_nr, smooth_dr)
        self.pos_weight = pos_weight
        self.alpha = alpha
        self.beta = beta
        self.lambda_bce = lambda_bce
        self.lambda_tversky = lambda_tversky
        self.smooth_nr = smooth_nr
        self.smooth_dr = smooth_dr

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of each patch and channel."""
        return bce_tversky_loss(
            logits,
            target,
            self.pos_weight,
            self.alpha,
            self.beta,
            self.lambda_bce,
            self.lambda_tversky,
            self.smooth_nr,
            self.smooth_dr,
        )
