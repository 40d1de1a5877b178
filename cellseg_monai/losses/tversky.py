"""The Tversky index: overlap in which false positives and false negatives have a price each.

    TI = (TP + s_nr) / (TP + α·FP + β·FN + s_dr)

α is the price of false positives and β of false negatives, as in MONAI; α = β = 0.5 is the Dice score. The
counts are soft: TP = Σ p·t, FP = Σ p·(1−t), FN = Σ (1−p)·t over the pixels of one patch and channel.

Losses need the distance 1 − TI. It is computed as a ratio of its own, since the difference of two numbers
near 1 would lose the digits that matter for a good prediction.
"""

from typing import NamedTuple

from torch import Tensor


class SoftCounts(NamedTuple):
    """Sums of probabilities over the pixels of each patch and channel, shape (batch, channels).

    Attributes:
        hits: true positives, TP.
        false_alarms: false positives, FP.
        misses: false negatives, FN.
    """

    hits: Tensor
    false_alarms: Tensor
    misses: Tensor


def soft_counts(logits: Tensor, target: Tensor) -> SoftCounts:
    """Count hits, false alarms and misses of each patch and channel.

    Args:
        logits: shape (batch, channels, spatial…).
        target: the same shape, 0…1.

    Returns:
        The counts, which have a gradient.

    Example:
        >>> import torch
        >>> soft_counts(torch.tensor([[[0.0, 99.0]]]), torch.tensor([[[1.0, 0.0]]]))
        SoftCounts(hits=tensor([[0.5000]]), false_alarms=tensor([[1.]]), misses=tensor([[0.5000]]))
    """
    logits, target = logits.flatten(2), target.flatten(2)
    cell, no_cell = logits.sigmoid(), (-logits).sigmoid()
    return SoftCounts(
        (cell * target).sum(dim=2), (cell * (1 - target)).sum(dim=2), (no_cell * target).sum(dim=2)
    )


def tversky_distance(
    counts: SoftCounts, alpha: float, beta: float, smooth_nr: float = 1e-5, smooth_dr: float = 1e-5
) -> Tensor:
    """One minus the Tversky index of each patch and channel.

    Args:
        counts: soft counts.
        alpha: price of a false positive.
        beta: price of a false negative.
        smooth_nr: added to the numerator of the index.
        smooth_dr: added to the denominator.

    Returns:
        Values 0…1, shape (batch, channels).

    Example:
        1 − 3 / (3 + 0.7·1 + 0.3·1) = 1 − 3/4:

        >>> import torch
        >>> three, one = torch.tensor([[3.0]]), torch.tensor([[1.0]])
        >>> tversky_distance(SoftCounts(three, one, one), alpha=0.7, beta=0.3)
        tensor([[0.2500]])
    """
    faults = alpha * counts.false_alarms + beta * counts.misses
    return (faults + (smooth_dr - smooth_nr)) / (counts.hits + faults + smooth_dr)


def check_prices(alpha: float, beta: float, of: str = "") -> None:
    """Refuse prices that are negative or both zero.

    Args:
        alpha: price of a false positive.
        beta: price of a false negative.
        of: what the names of the arguments begin with.

    Raises:
        ValueError: naming the arguments.
    """
    if min(alpha, beta) < 0 or alpha + beta == 0:
        raise ValueError(
            f"{of}alpha={alpha} and {of}beta={beta} must not be negative nor both 0; "
            "alpha weighs false positives, beta false negatives"
        )


def check_smoothing(smooth_nr: float, smooth_dr: float) -> None:
    """Refuse smoothing that gives a negative distance or divides by zero.

    Args:
        smooth_nr: added to the numerator of the index.
        smooth_dr: added to the denominator.

    Raises:
        ValueError: naming both.
    """
    if not 0 <= smooth_nr <= smooth_dr or smooth_dr == 0:
        raise ValueError(
            f"smooth_nr={smooth_nr} and smooth_dr={smooth_dr} must fulfil 0 <= smooth_nr <= smooth_dr and "
            "smooth_dr > 0; else the loss is negative, or not defined for an empty patch"
        )
