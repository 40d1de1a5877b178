"""One loss for a target with class channels first and distance channels last."""

from collections.abc import Callable

from torch import Tensor
from torch.nn.modules.loss import _Loss

from cellseg_monai.losses.channels import without_metadata
from cellseg_monai.losses.labelled import LabelledPixels


class JointLoss(_Loss):
    """Any segmentation loss on the first channels, plus the mean squared error on the last ones.

        L = L_seg(z_s, y_s) + λ · mean (z_d − y_d)²

    The output z and the target y are split into segmentation channels s and distance channels d. Distances
    are regressed without an activation. The mean is over all pixels: the distance of the background is 0,
    and a seed there would be a false cell.

    Args:
        segmentation: loss of logits and target.
        distances: number of distance channels at the end; 0 uses the segmentation loss alone.
        distance_weight: λ.
        ignores: whether the segmentation loss leaves out pixels whose target is 0 in every channel, see
            :class:`LabelledPixels`.

    Raises:
        ValueError: If an argument is negative or, when called, no channel is left for the segmentation.

    Example:
        >>> import torch
        >>> loss = JointLoss(torch.nn.BCEWithLogitsLoss(), distances=1, distance_weight=2)
        >>> output, target = torch.zeros(1, 2, 4), torch.tensor([[[0, 1, 1, 0], [0, 0.5, 0.5, 0]]])
        >>> loss(output, target)  # log 2 + 2 · (½)² / 2
        tensor(0.9431)
    """

    def __init__(
        self,
        segmentation: Callable[[Tensor, Tensor], Tensor],
        distances: int = 0,
        distance_weight: float = 1.0,
        ignores: bool = False,
    ) -> None:
        super().__init__()
        if distances < 0 or distance_weight < 0:
            raise ValueError(f"{distances=} and {distance_weight=} cannot be negative")
        self.segmentation = LabelledPixels(segmentation) if ignores else segmentation
        self.distances = distances
        self.distance_weight = distance_weight

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of a network output of shape (batch, channels, spatial…)."""
        if self.distances == 0:
            return self.segmentation(input, target)
        if input.shape != target.shape or input.shape[1] <= self.distances:
            raise ValueError(
                f"the output has shape {tuple(input.shape)} and the target {tuple(target.shape)}; both need "
                f"the same shape, with {self.distances} distance channel(s) after the segmentation channels"
            )
        loss = self.segmentation(input[:, : -self.distances], target[:, : -self.distances])
        predicted, true = (without_metadata(tensor[:, -self.distances :]) for tensor in (input, target))
        return loss + self.distance_weight * (predicted.float() - true).square().mean()
