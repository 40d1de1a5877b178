"""Focal Tversky loss: the Tversky distance to a power, which shifts the effort between easy and hard patches.

Three conventions are about. Here, as in segmentation_models.pytorch, γ **is** the exponent. The paper
(Abraham and Khan, arXiv 1810.07842) writes the exponent as 1/γ with γ = 4/3; its code has the exponent 0.75
and 0.7 on false negatives. The defaults below are those of that code: γ = 0.75, β = 0.7 on false negatives,
α = 0.3 on false positives.
"""

import torch
from torch import Tensor

from cellseg_monai.losses.patch_loss import PatchLoss
from cellseg_monai.losses.tversky import check_prices, check_smoothing, soft_counts, tversky_distance

SMALLEST_DISTANCE = 1e-4
"""Below this distance the power is a straight line, where its slope would go to infinity."""


def focal_power(distance: Tensor, gamma: float) -> Tensor:
    """Raise a distance to the power γ, with a finite slope at 0.

    The slope γ·d^(γ−1) of the power is infinite at d = 0 if γ < 1, and a perfect prediction would turn its
    weights into NaN. Below d = 1e-4 the straight line from (0, 0) to that point of the curve is taken; its
    slope is 10 for γ = 0.75. Where γ ≥ 1 nothing changes.

    Args:
        distance: values 0…1.
        gamma: exponent γ.

    Returns:
        The same shape.

    Example:
        >>> focal_power(torch.tensor([0.0, 0.00005, 0.0625, 1.0]), gamma=0.75)
        tensor([0.0000e+00, 5.0000e-04, 1.2500e-01, 1.0000e+00])
    """
    if gamma >= 1:
        return distance**gamma
    curve = distance.clamp_min(SMALLEST_DISTANCE) ** gamma
    line = distance * SMALLEST_DISTANCE ** (gamma - 1)
    return torch.where(distance < SMALLEST_DISTANCE, line, curve)


def focal_tversky_loss(
    logits: Tensor,
    target: Tensor,
    alpha: float = 0.3,
    beta: float = 0.7,
    gamma: float = 0.75,
    smooth_nr: float = 1e-5,
    smooth_dr: float = 1e-5,
) -> Tensor:
    """(1 − TI)^γ of each patch and channel.

    Args:
        logits: shape (batch, channels, spatial…).
        target: the same shape, 0…1.
        alpha: price of a false positive.
        beta: price of a false negative.
        gamma: exponent.
        smooth_nr: added to the numerator of the index.
        smooth_dr: added to the denominator.

    Returns:
        Shape (batch, channels).

    Example:
        Both pixels have p = 1/2, so TP = FP = FN = 1/2 and the distance is 1/2; its square is 1/4:

        >>> focal_tversky_loss(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]), gamma=2)
        tensor([[0.2500]])
    """
    distance = tversky_distance(soft_counts(logits, target), alpha, beta, smooth_nr, smooth_dr)
    return focal_power(distance, gamma)


class FocalTverskyLoss(PatchLoss):
    """The Tversky distance to the power γ.

        FTL = (1 − TI)^γ,    TI = (TP + s_nr) / (TP + α·FP + β·FN + s_dr)

    γ < 1 keeps the slope up as a prediction becomes good, so the last errors of a patch still count; γ > 1
    leaves good patches alone and works on the bad ones; γ = 1 is the Tversky loss. Below a distance of 1e-4 a
    power γ < 1 is a straight line, so its gradient stays finite.

    Args:
        alpha: α, price of a false positive.
        beta: β, price of a false negative.
        gamma: γ, the exponent itself (the paper calls it 1/γ).
        smooth_nr: s_nr, added to the numerator of the index.
        smooth_dr: s_dr, added to the denominator.
        include_background: keep channel 0 of several.
        to_onehot_y: the target holds class numbers.
        softmax: the channels exclude each other.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> loss = FocalTverskyLoss(gamma=2)
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]))  # (1/2)²
        tensor(0.2500)
    """

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        gamma: float = 0.75,
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        include_background: bool = True,
        to_onehot_y: bool = False,
        softmax: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(include_background, to_onehot_y, softmax, reduction)
        check_prices(alpha, beta)
        check_smoothing(smooth_nr, smooth_dr)
        check_exponent(gamma)
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.smooth_nr = smooth_nr
        self.smooth_dr = smooth_dr

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of each patch and channel."""
        return focal_tversky_loss(
            logits, target, self.alpha, self.beta, self.gamma, self.smooth_nr, self.smooth_dr
        )


def check_exponent(gamma: float) -> None:
    """Refuse an exponent that is not positive.

    Args:
        gamma: the exponent.

    Raises:
        ValueError: naming it.
    """
    if gamma <= 0:
        raise ValueError(f"gamma must be greater than 0, not {gamma}; 1 is the plain Tversky loss")
