"""The dynamic threshold-based loss: each patch gets the terms that suit how much of it is cell.

Published in "A Low-Resource Training Strategy for Cell Segmentation using Patch-Based Attention U-Net".

Cutting an image into patches without discarding any gives many that hold no cell, some with a corner of one,
and some full of them. One loss does not suit all three. On an empty patch an overlap says nothing; on a small
region it is noisy and needs cross-entropy beside it; on a large one it is what we want.

All terms are computed for all patches and multiplied by masks, so the device never has to tell the host which
patch is which.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cellseg_monai.losses.bce_tversky import binary_cross_entropy
from cellseg_monai.losses.focal_tversky import check_exponent, focal_power
from cellseg_monai.losses.patch_loss import PatchLoss
from cellseg_monai.losses.regimes import BACKGROUND, LARGE, NAMES, REGIMES, SMALL, patch_regimes
from cellseg_monai.losses.tversky import check_prices, check_smoothing, soft_counts, tversky_distance

REGIME_FROM = ("target", "prediction")


def dynamic_patch_loss(
    logits: Tensor,
    target: Tensor,
    regimes: Tensor,
    lambda_background: float = 1.0,
    lambda_small: Sequence[float] = (1.0, 1.0),
    lambda_large: Sequence[float] = (1.0, 1.0),
    small_alpha: float = 0.7,
    small_beta: float = 0.3,
    large_alpha: float = 0.5,
    large_beta: float = 0.5,
    gamma: float = 0.75,
    smooth_nr: float = 1e-5,
    smooth_dr: float = 1e-5,
) -> Tensor:
    """The loss of each patch and channel by the regime that it belongs to.

    Args:
        logits: shape (batch, channels, spatial…).
        target: the same shape, 0…1.
        regimes: of each patch and channel, from :func:`patch_regimes`.
        lambda_background: weight of the cross-entropy on background.
        lambda_small: weights of cross-entropy and Tversky loss on small regions.
        lambda_large: weights of Tversky and focal Tversky loss on large regions.
        small_alpha: price of a false positive in a small region.
        small_beta: price of a false negative in a small region.
        large_alpha: price of a false positive in a large region.
        large_beta: price of a false negative in a large region.
        gamma: exponent of the focal Tversky loss.
        smooth_nr: added to the numerator of the index.
        smooth_dr: added to the denominator.

    Returns:
        Shape (batch, channels).

    Example:
        An undecided network on an empty patch, log 2, and on a half-full one, where TP = FP = FN = 1/2,
        1/2 + (1/2)²:

        >>> target = torch.tensor([[[0.0, 0.0]], [[1.0, 0.0]]])
        >>> dynamic_patch_loss(torch.zeros(2, 1, 2), target, torch.tensor([[0], [2]]), gamma=2).flatten()
        tensor([0.6931, 0.7500])
    """
    cross_entropy = binary_cross_entropy(logits, target)
    counts = soft_counts(logits, target)
    small_distance = tversky_distance(counts, small_alpha, small_beta, smooth_nr, smooth_dr)
    large_distance = tversky_distance(counts, large_alpha, large_beta, smooth_nr, smooth_dr)
    on_background = lambda_background * cross_entropy
    on_small = lambda_small[0] * cross_entropy + lambda_small[1] * small_distance
    on_large = lambda_large[0] * large_distance + lambda_large[1] * focal_power(large_distance, gamma)
    return (
        (regimes == BACKGROUND) * on_background
        + (regimes == SMALL) * on_small
        + (regimes == LARGE) * on_large
    )


class DynamicPatchLoss(PatchLoss):
    """Cross-entropy on background, with Tversky on small regions, Tversky and focal Tversky on large ones.

    | foreground f of the patch | loss                                    |
    | ------------------------- | --------------------------------------- |
    | f = 0                     | λ_b · BCE                               |
    | 0 < f < 6.25 %            | λ_s1 · BCE + λ_s2 · (1 − TI_s)          |
    | f ≥ 6.25 %                | λ_l1 · (1 − TI_l) + λ_l2 · (1 − TI_l)^γ |

        TI = (TP + s_nr) / (TP + α·FP + β·FN + s_dr)

    TI_s has α > β, since false positives are to cost more in small regions; TI_l has α = β. Exactly 1,024 of
    128 × 128 pixels are 6.25 % and large. The paper names the terms and the threshold; α, β, γ and the λ are
    ours.

    Each channel of each patch has a regime of its own: a class that is absent from a patch gets
    cross-entropy, whatever the other classes do. Any size of patch will do, since f is a share.

    Args:
        small_below: share of foreground from which on a patch is large.
        regime_from: "target" to take f from the mask, or "prediction" for the share of pixels with p > 1/2.
        lambda_background: λ_b.
        lambda_small: λ_s1 and λ_s2.
        lambda_large: λ_l1 and λ_l2.
        small_alpha: α of TI_s, price of a false positive.
        small_beta: β of TI_s, price of a false negative.
        large_alpha: α of TI_l.
        large_beta: β of TI_l.
        gamma: γ, the exponent of the focal Tversky loss.
        smooth_nr: s_nr, added to the numerator of the index.
        smooth_dr: s_dr, added to the denominator.
        include_background: keep channel 0 of several.
        to_onehot_y: the target holds class numbers.
        softmax: the channels exclude each other.
        reduction: "mean", "sum" or "none".

    Raises:
        ValueError: an argument is out of its range.

    Example:
        >>> loss = DynamicPatchLoss()
        >>> loss(torch.zeros(2, 1, 4, 4), torch.zeros(2, 1, 4, 4))  # two empty patches: log 2
        tensor(0.6931)
        >>> loss.regime_counts()
        {'background': 2, 'small': 0, 'large': 0}
    """

    _seen: Tensor

    def __init__(
        self,
        small_below: float = 0.0625,
        regime_from: str = "target",
        lambda_background: float = 1.0,
        lambda_small: Sequence[float] = (1.0, 1.0),
        lambda_large: Sequence[float] = (1.0, 1.0),
        small_alpha: float = 0.7,
        small_beta: float = 0.3,
        large_alpha: float = 0.5,
        large_beta: float = 0.5,
        gamma: float = 0.75,
        smooth_nr: float = 1e-5,
        smooth_dr: float = 1e-5,
        include_background: bool = True,
        to_onehot_y: bool = False,
        softmax: bool = False,
        reduction: str = "mean",
    ) -> None:
        super().__init__(include_background, to_onehot_y, softmax, reduction)
        if not 0 <= small_below <= 1:
            raise ValueError(f"small_below is a share of the pixels, 0 to 1, not {small_below}")
        if regime_from not in REGIME_FROM:
            raise ValueError(f"regime_from must be one of {REGIME_FROM}, not {regime_from!r}")
        _check_weights(lambda_background, lambda_small, lambda_large)
        check_prices(small_alpha, small_beta, of="small_")
        check_prices(large_alpha, large_beta, of="large_")
        check_exponent(gamma)
        check_smoothing(smooth_nr, smooth_dr)
        self.small_below = small_below
        self.regime_from = regime_from
        self.lambda_background = lambda_background
        self.lambda_small = lambda_small
        self.lambda_large = lambda_large
        self.small_alpha = small_alpha
        self.small_beta = small_beta
        self.large_alpha = large_alpha
        self.large_beta = large_beta
        self.gamma = gamma
        self.smooth_nr = smooth_nr
        self.smooth_dr = smooth_dr
        self.register_buffer("_seen", torch.zeros(len(REGIMES), dtype=torch.long), persistent=False)

    def patch_values(self, logits: Tensor, target: Tensor) -> Tensor:
        """The loss of each patch and channel; its regimes are counted."""
        foreground = target > 0.5 if self.regime_from == "target" else logits > 0
        regimes = patch_regimes(foreground, self.small_below)
        new = torch.stack([(regimes == regime).sum() for regime in REGIMES])
        self._seen = self._seen.to(new.device) + new
        return dynamic_patch_loss(
            logits,
            target,
            regimes,
            self.lambda_background,
            self.lambda_small,
            self.lambda_large,
            self.small_alpha,
            self.small_beta,
            self.large_alpha,
            self.large_beta,
            self.gamma,
            self.smooth_nr,
            self.smooth_dr,
        )

    def regime_counts(self) -> dict[str, int]:
        """How many patches of each regime this process has seen since the last reset.

        Each channel of a patch counts by itself. The counter lives on the device, and reading it waits for
        the device, so read it once per epoch.
        """
        return dict(zip(NAMES, self._seen.tolist(), strict=True))

    def reset_regime_counts(self) -> None:
        """Start counting from zero."""
        self._seen = torch.zeros_like(self._seen)


def _check_weights(background: float, small: Sequence[float], large: Sequence[float]) -> None:
    for name, pair in (("lambda_small", small), ("lambda_large", large)):
        if not isinstance(pair, Sequence) or len(pair) != 2:
            raise ValueError(f"{name} holds two weights, one for each of its terms, not {pair}")
    if min(background, *small, *large) < 0:
        raise ValueError(
            f"lambda_background={background}, lambda_small={small} and lambda_large={large} "
            "must not be negative; 0 leaves a term out"
        )
