"""The dynamic threshold-based loss: the terms of each patch depend on its foreground fraction.

Published in "A Low-Resource Training Strategy for Cell Segmentation using Patch-Based Attention U-Net".

Cutting an image into patches without discarding any yields many patches without cells, some with a corner of
a cell, and some full of cells. No single loss suits all three. On an empty patch an overlap is meaningless;
on a small region it is noisy and needs cross-entropy as well; on a large region it is the right measure.

All terms are computed for all patches and multiplied by masks, so the host never has to wait for the device
to find out the regime of a patch.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from cellseg_monai.losses.bce_tversky import binary_cross_entropy
from cellseg_monai.losses.focal_tversky import check_exponent, focal_power
from cellseg_monai.losses.patch_loss import PatchLoss
from cellseg_monai.losses.regimes import BACKGROUND, LARGE, NAMES, REGIMES, SMALL, patch_regimes
from cellseg_monai.losses.tversky import Tversky, soft_counts

REGIME_FROM = ("target", "prediction")
SMALL_REGIONS = Tversky(alpha=0.7, beta=0.3)
LARGE_REGIONS = Tversky(alpha=0.5, beta=0.5)


def dynamic_patch_loss(
    logits: Tensor,
    target: Tensor,
    regimes: Tensor,
    *,
    lambda_background: float = 1.0,
    lambda_small: Sequence[float] = (1.0, 1.0),
    lambda_large: Sequence[float] = (1.0, 1.0),
    small: Tversky = SMALL_REGIONS,
    large: Tversky = LARGE_REGIONS,
    gamma: float = 0.75,
) -> Tensor:
    """Loss of each patch and channel according to its regime.

    Args:
        logits: logits of shape (batch, channels, spatial…).
        target: target of the same shape, with values 0…1.
        regimes: regime of each patch and channel, from :func:`patch_regimes`.
        lambda_background: weight of the cross-entropy on background.
        lambda_small: weights of cross-entropy and Tversky loss on small regions.
        lambda_large: weights of Tversky and focal Tversky loss on large regions.
        small: costs and smoothing of the Tversky index on small regions; by default α = 0.7 and β = 0.3.
        large: costs and smoothing of the Tversky index on large regions; by default α = β = 0.5.
        gamma: exponent of the focal Tversky loss.

    Returns:
        Values of shape (batch, channels).

    Example:
        A prediction of 1/2 gives log 2 on an empty patch. On a half-full one, TP = FP = FN = 1/2, which gives
        1/2 + (1/2)²:

        >>> target = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]]])
        >>> dynamic_patch_loss(torch.zeros(2, 1, 2), target, torch.tensor([[0], [2]]), gamma=2).flatten()
        tensor([0.6931, 0.7500])
    """
    cross_entropy = binary_cross_entropy(logits, target)
    counts = soft_counts(logits, target)
    large_distance = large.distance(counts)
    on_background = lambda_background * cross_entropy
    on_small = lambda_small[0] * cross_entropy + lambda_small[1] * small.distance(counts)
    on_large = lambda_large[0] * large_distance + lambda_large[1] * focal_power(large_distance, gamma)
    return (
        (regimes == BACKGROUND) * on_background
        + (regimes == SMALL) * on_small
        + (regimes == LARGE) * on_large
    )


@dataclass(eq=False, repr=False, kw_only=True)
class DynamicPatchLoss(PatchLoss):
    """Cross-entropy on background, with Tversky on small regions, Tversky and focal Tversky on large ones.

    | foreground fraction f of the patch | loss                                    |
    | ---------------------------------- | --------------------------------------- |
    | f = 0                              | λ_b · BCE                               |
    | 0 < f < 6.25 %                     | λ_s1 · BCE + λ_s2 · (1 − TI_s)          |
    | f ≥ 6.25 %                         | λ_l1 · (1 − TI_l) + λ_l2 · (1 − TI_l)^γ |

        TI = (TP + s_nr) / (TP + α·FP + β·FN + s_dr)

    TI_s has α > β, so that false positives cost more in small regions; TI_l has α = β. Exactly 1,024 of
    128 × 128 pixels are 6.25 % and count as large. The paper gives the terms and the threshold; α, β, γ and
    the λ are our choice.

    Each channel of each patch has its own regime: a class that is absent from a patch gets cross-entropy,
    whatever the other classes do. Patches may have any size, since f is a fraction.

    Args:
        small_below: foreground fraction from which a patch is large.
        regime_from: ``"target"`` to compute f from the mask, or ``"prediction"`` for the fraction of pixels
            with p > 1/2.
        lambda_background: λ_b.
        lambda_small: λ_s1 and λ_s2.
        lambda_large: λ_l1 and λ_l2.
        small_alpha: α of TI_s, cost of a false positive in a small region.
        small_beta: β of TI_s, cost of a false negative in a small region.
        large_alpha: α of TI_l.
        large_beta: β of TI_l.
        gamma: γ, the exponent of the focal Tversky loss.
        smooth_nr: s_nr, constant added to the numerator of the index.
        smooth_dr: s_dr, constant added to the denominator.
        include_background: whether to include channel 0 if there are several.
        to_onehot_y: whether the target holds class indices.
        softmax: whether the channels are mutually exclusive.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Raises:
        ValueError: If an argument is out of range.

    Example:
        >>> loss = DynamicPatchLoss()
        >>> loss(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4))  # two empty patches: log 2
        tensor(0.6931)
        >>> loss.regime_counts()
        {'background': 2, 'small': 0, 'large': 0}
    """

    small_below: float = 0.0625
    regime_from: str = "target"
    lambda_background: float = 1.0
    lambda_small: Sequence[float] = (1.0, 1.0)
    lambda_large: Sequence[float] = (1.0, 1.0)
    small_alpha: float = 0.7
    small_beta: float = 0.3
    large_alpha: float = 0.5
    large_beta: float = 0.5
    gamma: float = 0.75
    smooth_nr: float = 1e-5
    smooth_dr: float = 1e-5
    _seen: Tensor = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.small_below <= 1:
            raise ValueError(f"small_below must be a fraction from 0 to 1, not {self.small_below}")
        if self.regime_from not in REGIME_FROM:
            raise ValueError(f"regime_from must be one of {REGIME_FROM}, not {self.regime_from!r}")
        _check_weights(self.lambda_background, self.lambda_small, self.lambda_large)
        check_exponent(self.gamma)
        smoothing = self.smooth_nr, self.smooth_dr
        self.small = Tversky(self.small_alpha, self.small_beta, *smoothing, prefix="small_")
        self.large = Tversky(self.large_alpha, self.large_beta, *smoothing, prefix="large_")
        self.register_buffer("_seen", torch.zeros(len(REGIMES), dtype=torch.long), persistent=False)

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """Loss of each patch and channel; this also counts their regimes."""
        foreground = target > 0.5 if self.regime_from == "target" else logits > 0
        regimes = patch_regimes(foreground, self.small_below)
        new = torch.stack([(regimes == regime).sum() for regime in REGIMES])
        self._seen = self._seen.to(new.device) + new
        return dynamic_patch_loss(
            logits,
            target,
            regimes,
            lambda_background=self.lambda_background,
            lambda_small=self.lambda_small,
            lambda_large=self.lambda_large,
            small=self.small,
            large=self.large,
            gamma=self.gamma,
        )

    def regime_counts(self) -> dict[str, int]:
        """Number of patches of each regime that this process has seen since the last reset.

        Each channel of a patch counts separately. The counter is on the device, and reading it waits for the
        device, so read it once per epoch.
        """
        return dict(zip(NAMES, self._seen.tolist(), strict=True))

    def reset_regime_counts(self) -> None:
        """Reset the counters to zero."""
        self._seen = torch.zeros_like(self._seen)


def _check_weights(background: float, small: Sequence[float], large: Sequence[float]) -> None:
    for name, pair in (("lambda_small", small), ("lambda_large", large)):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"{name} needs two weights, one for each of its terms, not {pair}")
    weights = {"lambda_background": background, "lambda_small": small, "lambda_large": large}
    if min(background, *small, *large) < 0:
        raise ValueError(f"no weight may be negative, 0 disables a term: {weights}")
