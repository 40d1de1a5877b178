"""Consistency loss: on an unlabelled image the student learns to predict what the teacher predicts.

The target is the probability that the teacher predicts for each pixel. It is fixed: no gradient flows into
the teacher. Pixels about which the teacher is uncertain are left out, and early in training the whole term
has a small weight.
"""

import math
from dataclasses import KW_ONLY, dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from cellseg_monai.losses.patch_loss import PatchLoss

DISTANCES = ("mse", "kl")


def consistency_loss(
    logits: Tensor, teacher: Tensor, distance: str = "mse", confidence: float = 0.5
) -> Tensor:
    """Mean over the pixels of m·d(p, q), for each patch and channel.

    Args:
        logits: logits of the student, shape (batch, channels, spatial…).
        teacher: probabilities q of the teacher, of the same shape.
        distance: ``"mse"`` for (p − q)², ``"kl"`` for q·log(q/p) + (1−q)·log((1−q)/(1−p)).
        confidence: minimum of max(q, 1−q) for which m is 1; below it m is 0.

    Returns:
        Values of shape (batch, channels). Pixels left out count as zeros in the mean.

    Example:
        The student predicts 1/2 for both pixels, the teacher 0.9 and 0.6: (0.4² + 0.1²) / 2, or 0.4² / 2 if
        the uncertain second pixel is left out:

        >>> student, teacher = torch.zeros(1, 1, 2), torch.tensor([[[0.9, 0.6]]])
        >>> consistency_loss(student, teacher), consistency_loss(student, teacher, confidence=0.8)
        (tensor([[0.0850]]), tensor([[0.0800]]))
    """
    confident = torch.maximum(teacher, 1 - teacher) >= confidence
    if distance == "mse":
        pixels = (logits.sigmoid() - teacher) ** 2
    else:
        entropy = -torch.xlogy(teacher, teacher) - torch.xlogy(1 - teacher, 1 - teacher)
        pixels = F.binary_cross_entropy_with_logits(logits, teacher, reduction="none") - entropy
    return (pixels * confident).flatten(2).mean(dim=2)


@dataclass(eq=False, repr=False)
class ConsistencyLoss(PatchLoss):
    """Distance between student and teacher where the teacher is confident.

        L = mean over pixels of m·d(p, q),    m = [max(q, 1−q) ≥ c]

    with the student's probability p, the teacher's q and the confidence c. The distance d is (p − q)² or the
    Kullback-Leibler divergence, which has the gradient of cross-entropy with soft labels and a minimum of 0.
    The mean is over all pixels: a patch with few confident pixels contributes little. With softmax each
    channel is one class against the rest, also in m.

    The call takes student and teacher. :func:`sigmoid_rampup` is the usual weight of the result.

    Args:
        distance: ``"mse"``, which is more tolerant of errors of the teacher, or ``"kl"``.
        confidence: c, from 0.5 (all pixels) to below 1.
        teacher_logits: whether the teacher's output is raw. If False, it holds probabilities.
        include_background: whether to include channel 0 if there are several.
        softmax: whether the channels are mutually exclusive.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> loss = ConsistencyLoss(teacher_logits=False)
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[[0.9, 0.6]]]))  # (0.4² + 0.1²) / 2
        tensor(0.0850)
    """

    distance: str = "mse"
    _: KW_ONLY
    confidence: float = 0.5
    teacher_logits: bool = True
    to_onehot_y: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.distance not in DISTANCES:
            raise ValueError(f"distance must be one of {DISTANCES}, not {self.distance!r}")
        if not 0.5 <= self.confidence < 1:
            raise ValueError(f"confidence must be from 0.5 (all pixels) to below 1, not {self.confidence}")

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            input: logits of the student, shape (batch, channels, spatial…).
            target: prediction of the teacher, of the same shape.
            sample_weight: weights of shape (batch,) that multiply the loss of each sample before the
                reduction.

        Returns:
            One number, or values of shape (batch, channels) with the reduction ``"none"``.
        """
        teacher = target.detach()
        if self.teacher_logits:
            teacher = teacher if teacher.dtype == torch.float64 else teacher.float()
            teacher = teacher.softmax(dim=1) if self.softmax else teacher.sigmoid()
        return super().forward(input, teacher, sample_weight)

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of each patch and channel."""
        return consistency_loss(logits, target, self.distance, self.confidence)


def sigmoid_rampup(step: float, length: float) -> float:
    """Weight that rises from 0.0067 to 1 as exp(−5·(1 − step/length)²), then stays (Laine and Aila, 2017).

    Args:
        step: number of completed iterations or epochs.
        length: length of the ramp; 0 for none.

    Returns:
        Weight of the consistency loss.

    Raises:
        ValueError: If step or length is negative.

    Example:
        >>> [round(sigmoid_rampup(epoch, length=10), 4) for epoch in (0, 5, 10, 20)]
        [0.0067, 0.2865, 1.0, 1.0]
    """
    if step < 0 or length < 0:
        raise ValueError(f"step={step} and length={length} must not be negative")
    if step >= length:
        return 1.0
    return math.exp(-5 * (1 - step / length) ** 2)
