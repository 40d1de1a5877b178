"""Any loss of classes, without the pixels that have no class.

Masking logits and target, as MONAI's ``MaskedLoss`` does, still counts such pixels: a softmax of zeros is not
zero, and a mean is over all pixels. Here they are taken out before the loss, which is exact for every loss
that treats the pixels of a patch as a set.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.modules.loss import _Loss

from cellseg_monai.losses.channels import without_metadata


class LabelledPixels(_Loss):
    """A loss of the pixels that have a class. The others change neither its value nor its gradient.

        L = mean over patches i with a labelled pixel of L_c({(z_p, y_p) : p in patch i, y_p ≠ 0})

    A pixel without a class is 0 in every channel of the target y: an ignored value of the mask, or padding.
    A batch without labelled pixels has the loss 0.

    Args:
        loss: loss of logits and target of shape (batch, channels, pixels) that returns the mean over the
            patches, such as MONAI's ``DiceCELoss`` or the losses of this package.

    Example:
        Both pixels have p = 1/2. The second one has no class, so one pixel is left: log 2.

        >>> loss = LabelledPixels(torch.nn.CrossEntropyLoss())
        >>> loss(torch.zeros(1, 2, 2), torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]))
        tensor(0.6931)
    """

    def __init__(self, loss: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.loss = loss

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Compute the loss of logits and a one-hot target of the same shape (batch, channels, spatial…)."""
        logits, target = without_metadata(input), without_metadata(target)
        if logits.shape != target.shape:
            raise ValueError(
                f"the logits have shape {tuple(logits.shape)} and the target {tuple(target.shape)}; a target "
                "with ignored pixels needs one channel per class, as ClassTargetd makes with one_hot=True"
            )
        labelled = (target != 0).any(dim=1)  # NaN, an invalid target, stays
        if labelled.all():
            return self.loss(logits, target)
        values = [
            self.loss(one[:, there][None], other[:, there][None])
            for one, other, there in zip(logits, target, labelled, strict=True)
            if there.any()
        ]
        return torch.stack(values).mean() if values else (0 * logits).sum()
