"""Consistency loss: the student is to say on an unlabelled image what the teacher says.

The teacher's answer is a probability for each pixel and it is fixed: no gradient flows into it. Where the
teacher is in doubt its answer is left out, and early in training the whole term counts little.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from cellseg_monai.losses.patch_loss import PatchLoss

DISTANCES = ("mse", "kl")


def consistency_loss(
    logits: Tensor, teacher: Tensor, distance: str = "mse", confidence: float = 0.5
) -> Tensor:
    """Mean over the pixels of m·d(p, q), of each patch and channel.

    Args:
        logits: of the student, shape (batch, channels, spatial…).
        teacher: probabilities q of the teacher, the same shape.
        distance: "mse" for (p − q)², "kl" for q·log(q/p) + (1−q)·log((1−q)/(1−p)).
        confidence: m is 1 where max(q, 1−q) is at least this, else 0.

    Returns:
        Shape (batch, channels). Pixels left out count as zeros in the mean.

    Example:
        The student says 1/2 for both pixels, the teacher 0.9 and 0.6: (0.4² + 0.1²) / 2, or 0.4² / 2 if the
        doubtful second is left out:

        >>> student, teacher = torch.zeros(1, 1, 2), torch.tensor([[[0.9, 0.6]]])
        >>> consistency_loss(student, teacher), consistency_loss(student, teacher, confidence=0.8)
        (tensor([[0.0850]]), tensor([[0.0800]]))
    """
    sure = torch.maximum(teacher, 1 - teacher) >= confidence
    if distance == "mse":
        pixels = (logits.sigmoid() - teacher) ** 2
    else:
        entropy = -torch.xlogy(teacher, teacher) - torch.xlogy(1 - teacher, 1 - teacher)
        pixels = F.binary_cross_entropy_with_logits(logits, teacher, reduction="none") - entropy
    return (pixels * sure).flatten(2).mean(dim=2)


class ConsistencyLoss(PatchLoss):
    """How far the student is from the teacher where the teacher is sure.

        L = mean over pixels of m·d(p, q),    m = [max(q, 1−q) ≥ c]

    with the student's probability p, the teacher's q and the confidence c. The distance d is (p − q)², or the
    Kullback-Leibler divergence of the two answers; the gradient of the latter is that of cross-entropy with
    soft labels, and its least value is 0. The mean is over all pixels: a patch with few sure
    pixels counts little. With softmax each channel is one class against the rest, also in m.

    The call takes student and teacher. :func:`sigmoid_rampup` is the usual weight of the result.

    Args:
        distance: "mse", which forgives a wrong teacher more, or "kl".
        confidence: c, 0.5 for all pixels, less than 1.
        teacher_logits: the teacher's output comes before the activation; else it is probabilities.
        include_background: keep channel 0 of several.
        softmax: the channels exclude each other.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> loss = ConsistencyLoss(teacher_logits=False)
        >>> loss(torch.zeros(1, 1, 2), torch.tensor([[[0.9, 0.6]]]))  # (0.4² + 0.1²) / 2
        tensor(0.0850)
    """

    def __init__(
        self,
        distance: str = "mse",
        confidence: float = 0.5,
        teacher_logits: bool = True,
        include_background: bool = True,
        softmax: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(include_background, False, softmax, reduction)
        if distance not in DISTANCES:
            raise ValueError(f"distance must be one of {DISTANCES}, not {distance!r}")
        if not 0.5 <= confidence < 1:
            raise ValueError(f"confidence must be at least 0.5 (all pixels) and below 1, not {confidence}")
        self.distance = distance
        self.confidence = confidence
        self.teacher_logits = teacher_logits

    def forward(self, input: Tensor, target: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Compute the loss.

        Args:
            input: logits of the student, shape (batch, channels, spatial…).
            target: what the teacher says, the same shape.
            sample_weight: shape (batch,); multiplies the loss of each sample before the reduction.

        Returns:
            A number, or shape (batch, channels) with the reduction "none".
        """
        teacher = target.detach()
        if self.teacher_logits:
            teacher = teacher if teacher.dtype == torch.float64 else teacher.float()
            teacher = teacher.softmax(dim=1) if self.softmax else teacher.sigmoid()
        return super().forward(input, teacher, sample_weight)

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of each patch and channel."""
        return consistency_loss(logits, target, self.distance, self.confidence)


def sigmoid_rampup(step: float, length: float) -> float:
    """Weight that rises from 0.0067 to 1 along exp(−5·(1 − step/length)²), then stays (Laine and Aila, 2017).

    Args:
        step: iterations or epochs done.
        length: how many the rise takes; 0 for none.

    Returns:
        The weight of the consistency loss.

    Raises:
        ValueError: a negative step or length.

    Example:
        >>> [round(sigmoid_rampup(epoch, length=10), 4) for epoch in (0, 5, 10, 20)]
        [0.0067, 0.2865, 1.0, 1.0]
    """
    if step < 0 or length < 0:
        raise ValueError(f"step={step} and length={length} must not be negative")
    if step >= length:
        return 1.0
    return math.exp(-5 * (1 - step / length) ** 2)
