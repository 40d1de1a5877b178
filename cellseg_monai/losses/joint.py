"""One loss for a target whose last channels are distances and whose first ones are classes."""

from collections.abc import Callable

from monai.data import MetaTensor
from torch import Tensor
from torch.nn.modules.loss import _Loss


class JointLoss(_Loss):
    """Any segmentation loss on the first channels, and the mean squared error on the last ones.

        L = L_seg(z_s, y_s) + λ · mean (z_d − y_d)²

    where the network's output z and the target y are parted into segmentation channels s and distance
    channels d. Distances are regressed as they are, without an activation. The error runs over all pixels:
    in the background the distance is 0, and a seed there would be a cell that is not.

    Args:
        segmentation: loss of logits and target.
        distances: how many of the last channels are distances; 0 leaves the segmentation loss alone.
        distance_weight: λ.

    Raises:
        ValueError: an argument is negative, or, when called, no channel is left for the segmentation.

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
    ) -> None:
        super().__init__()
        if distances < 0 or distance_weight < 0:
            raise ValueError(
                f"distances={distances} counts channels and distance_weight={distance_weight} is a weight; "
                "neither can be negative"
            )
        self.segmentation = segmentation
        self.distances = distances
        self.distance_weight = distance_weight

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of the network's output, shape (batch, channels, spatial…)."""
        if self.distances == 0:
            return self.segmentation(input, target)
        if input.shape != target.shape or input.shape[1] <= self.distances:
            raise ValueError(
                f"the output has the shape {tuple(input.shape)} and the target {tuple(target.shape)}; both "
                f"need the same one, with {self.distances} distance channel after those of the segmentation"
            )
        segmented = self.segmentation(input[:, : -self.distances], target[:, : -self.distances])
        errors = _plain(input[:, -self.distances :]).float() - _plain(target[:, -self.distances :])
        return segmented + self.distance_weight * errors.square().mean()


def _plain(tensor: Tensor) -> Tensor:
    """Without metadata, whose bookkeeping would follow each operation."""
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor
