"""The Tversky index: an overlap with separate costs for false positives and false negatives.

    TI = (TP + s_nr) / (TP + α·FP + β·FN + s_dr)

α is the cost of false positives and β that of false negatives, as in MONAI; α = β = 0.5 gives the Dice score.
The counts are soft: TP = Σ p·t, FP = Σ p·(1−t), FN = Σ (1−p)·t over the pixels of one patch and channel.

Losses need the distance 1 − TI. It is computed as a ratio of its own, because the difference of two numbers
near 1 would lose the digits that matter for a good prediction.
"""

from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


class SoftCounts(NamedTuple):
    """Sums of probabilities over the pixels of each patch and channel, shape (batch, channels).

    Attributes:
        true_positives: TP.
        false_positives: FP.
        false_negatives: FN.
    """

    true_positives: Tensor
    false_positives: Tensor
    false_negatives: Tensor


def soft_counts(logits: Tensor, target: Tensor) -> SoftCounts:
    """Count true positives, false positives and false negatives of each patch and channel.

    Args:
        logits: logits of shape (batch, channels, spatial…).
        target: target of the same shape, with values 0…1.

    Returns:
        Differentiable counts.

    Example:
        >>> import torch
        >>> soft_counts(torch.tensor([[[0.0, 99.0]]]), torch.tensor([[[1.0, 0.0]]]))
        SoftCounts(true_positives=tensor([[0.5000]]), false_positives=tensor([[1.]]),
        false_negatives=tensor([[0.5000]]))
    """
    logits, target = logits.flatten(2), target.flatten(2)
    cell, background = logits.sigmoid(), (-logits).sigmoid()
    return SoftCounts(
        (cell * target).sum(dim=2), (cell * (1 - target)).sum(dim=2), (background * target).sum(dim=2)
    )


@dataclass(frozen=True)
class Tversky:
    """Parameters of a Tversky index.

    Args:
        alpha: α, cost of a false positive.
        beta: β, cost of a false negative.
        smooth_nr: s_nr, constant added to the numerator.
        smooth_dr: s_dr, constant added to the denominator.
        prefix: prefix of ``alpha`` and ``beta`` in error messages.

    Raises:
        ValueError: If a cost is negative or both are 0, or the smoothing could give a negative distance or a
            division by zero.

    Example:
        1 − 3 / (3 + 0.7·1 + 0.3·1) = 1 − 3/4:

        >>> import torch
        >>> three, one = torch.tensor([[3.0]]), torch.tensor([[1.0]])
        >>> Tversky(alpha=0.7, beta=0.3).distance(SoftCounts(three, one, one))
        tensor([[0.2500]])
    """

    alpha: float = 0.3
    beta: float = 0.7
    smooth_nr: float = 1e-5
    smooth_dr: float = 1e-5
    prefix: str = ""

    def __post_init__(self) -> None:
        if min(self.alpha, self.beta) < 0 or self.alpha + self.beta == 0:
            raise ValueError(
                f"{self.prefix}alpha={self.alpha} and {self.prefix}beta={self.beta} must not be negative nor "
                "both 0; alpha is the cost of false positives, beta that of false negatives"
            )
        if not 0 <= self.smooth_nr <= self.smooth_dr or self.smooth_dr == 0:
            raise ValueError(
                f"smooth_nr={self.smooth_nr} and smooth_dr={self.smooth_dr} must satisfy "
                "0 <= smooth_nr <= smooth_dr and smooth_dr > 0, or the loss can be negative or undefined"
            )

    def distance(self, counts: SoftCounts) -> Tensor:
        """One minus the Tversky index of each patch and channel, with values 0…1."""
        errors = self.alpha * counts.false_positives + self.beta * counts.false_negatives
        return (errors + (self.smooth_dr - self.smooth_nr)) / (
            counts.true_positives + errors + self.smooth_dr
        )


DEFAULT = Tversky()
"""A missed pixel costs more than a false one: α = 0.3, β = 0.7."""
