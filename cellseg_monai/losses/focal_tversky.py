"""Focal Tversky loss: a power of the Tversky distance, which shifts the effort between easy and hard patches.

Three conventions exist. Here, as in segmentation_models.pytorch, γ **is** the exponent. The paper (Abraham
and Khan, arXiv 1810.07842) writes the exponent as 1/γ with γ = 4/3; its code uses the exponent 0.75 and 0.7
for false negatives. The defaults are those of that code: γ = 0.75, β = 0.7 for false negatives, α = 0.3 for
false positives.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from cellseg_monai.losses.patch_loss import PatchLoss
from cellseg_monai.losses.tversky import DEFAULT, Tversky, soft_counts

SMALLEST_DISTANCE = 1e-4
"""Below this distance a straight line replaces the power, whose slope would go to infinity."""


def focal_power(distance: Tensor, gamma: float) -> Tensor:
    """Raise a distance to the power γ, with a finite slope at 0.

    The slope γ·d^(γ−1) of the power is infinite at d = 0 if γ < 1, so a perfect prediction would turn the
    weights of the network into NaN. Below d = 1e-4 the function is therefore the straight line from (0, 0) to
    that point of the curve; its slope is 10 for γ = 0.75. Nothing changes if γ ≥ 1.

    Args:
        distance: distances 0…1.
        gamma: exponent γ.

    Returns:
        Powers of the same shape.

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
    logits: Tensor, target: Tensor, *, tversky: Tversky = DEFAULT, gamma: float = 0.75
) -> Tensor:
    """(1 − TI)^γ of each patch and channel.

    Args:
        logits: logits of shape (batch, channels, spatial…).
        target: target of the same shape, with values 0…1.
        tversky: costs and smoothing of the Tversky index; by default α = 0.3 and β = 0.7.
        gamma: exponent.

    Returns:
        Values of shape (batch, channels).

    Example:
        Both pixels have p = 1/2, so TP = FP = FN = 1/2 and the distance is 1/2; its square is 1/4:

        >>> focal_tversky_loss(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]), gamma=2)
        tensor([[0.2500]])
    """
    return focal_power(tversky.distance(soft_counts(logits, target)), gamma)


@dataclass(eq=False, repr=False, kw_only=True)
class FocalTverskyLoss(PatchLoss):
    """The Tversky distance to the power γ.

        FTL = (1 − TI)^γ,    TI = (TP + s_nr) / (TP + α·FP + β·FN + s_dr)

    γ < 1 keeps the slope steep as a prediction improves, so the last errors of a patch still count; γ > 1
    focuses on the bad patches; γ = 1 is the Tversky loss. For γ < 1 the power is a straight line below a
    distance of 1e-4, so its gradient stays finite.

    Args:
        alpha: α, cost of a false positive.
        beta: β, cost of a false negative.
        gamma: γ, the exponent itself (the paper calls it 1/γ).
        smooth_nr: s_nr, constant added to the numerator of the index.
        smooth_dr: s_dr, constant added to the denominator.
        include_background: whether to include channel 0 if there are several.
        to_onehot_y: whether the target holds class indices.
        softmax: whether the channels are mutually exclusive.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> loss = FocalTverskyLoss(gamma=2)
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[[1.0, 0.0]]]))  # (1/2)²
        tensor(0.2500)
    """

    alpha: float = 0.3
    beta: float = 0.7
    gamma: float = 0.75
    smooth_nr: float = 1e-5
    smooth_dr: float = 1e-5

    def __post_init__(self) -> None:
        super().__post_init__()
        check_exponent(self.gamma)
        self.tversky = Tversky(self.alpha, self.beta, self.smooth_nr, self.smooth_dr)

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of each patch and channel."""
        return focal_tversky_loss(logits, target, tversky=self.tversky, gamma=self.gamma)


def check_exponent(gamma: float) -> None:
    """Raise if an exponent is not positive."""
    if gamma <= 0:
        raise ValueError(f"gamma must be above 0, not {gamma}; 1 is the plain Tversky loss")
