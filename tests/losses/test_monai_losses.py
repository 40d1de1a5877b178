"""The losses taken from MONAI and PyTorch as they are: finite for the logits and targets of this package."""

import pytest
import torch
from monai.losses import DiceCELoss, DiceFocalLoss, TverskyLoss

BINARY = {
    "bce": torch.nn.BCEWithLogitsLoss(),
    "dice_focal": DiceFocalLoss(
        sigmoid=True, lambda_dice=0.5, lambda_focal=0.5, smooth_nr=1e-5, smooth_dr=1e-5
    ),
    "dice_ce": DiceCELoss(sigmoid=True),
    "tversky": TverskyLoss(sigmoid=True, alpha=0.3, beta=0.7),
}
MULTICLASS = {
    "dice_focal": DiceFocalLoss(
        softmax=True, to_onehot_y=True, lambda_dice=0.5, lambda_focal=0.5, smooth_nr=1e-5, smooth_dr=1e-5
    ),
    "dice_ce": DiceCELoss(softmax=True, to_onehot_y=True),
    "tversky": TverskyLoss(softmax=True, to_onehot_y=True, alpha=0.3, beta=0.7),
}
TARGETS = {
    "empty": lambda classes: torch.zeros_like(classes),
    "full": lambda classes: torch.ones_like(classes),
    "mixed": lambda classes: classes,
}


def finite_with_gradient(loss, logits, target):
    logits = logits.clone().requires_grad_()
    value = loss(logits, target)
    value.backward()
    return value.isfinite().item() and logits.grad.isfinite().all().item()


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("scale", [1, 1e4], ids=["ordinary logits", "large logits"])
@pytest.mark.parametrize("name", BINARY)
def test_binary(name, scale, target):
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(2, 1, 8, 8, generator=generator)
    mask = target(torch.randint(0, 2, (2, 1, 8, 8), generator=generator)).float()
    assert finite_with_gradient(BINARY[name], logits, mask)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
@pytest.mark.parametrize("scale", [1, 1e4], ids=["ordinary logits", "large logits"])
@pytest.mark.parametrize("name", MULTICLASS)
def test_multiclass(name, scale, target):
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(2, 3, 8, 8, generator=generator)
    classes = target(torch.randint(0, 3, (2, 1, 8, 8), generator=generator))
    assert finite_with_gradient(MULTICLASS[name], logits, classes)


@pytest.mark.parametrize("name", BINARY)
def test_a_better_prediction_costs_less(name):
    mask = torch.zeros(1, 1, 8, 8)
    mask[..., :3] = 1
    good, bad = 4 * mask - 2, 2 - 4 * mask
    assert BINARY[name](good, mask) < BINARY[name](bad, mask)
