"""Pixels without a class change neither the value nor the gradient of a loss."""

import math

import pytest
import torch
from monai.losses import DiceCELoss, DiceFocalLoss, DiceLoss, GeneralizedDiceFocalLoss
from torch import Tensor

from cellseg_monai.losses import (
    BCETverskyLoss,
    DynamicPatchLoss,
    FocalTverskyLoss,
    JointLoss,
    LabelledPixels,
)

LOSSES = [
    pytest.param(DiceCELoss(softmax=True), id="dice_ce_softmax"),
    pytest.param(DiceFocalLoss(softmax=True), id="dice_focal"),
    pytest.param(GeneralizedDiceFocalLoss(softmax=True), id="generalized_dice_focal"),
    pytest.param(torch.nn.CrossEntropyLoss(), id="cross_entropy"),
    pytest.param(torch.nn.BCEWithLogitsLoss(), id="bce"),
    pytest.param(DynamicPatchLoss(softmax=True), id="dynamic"),
    pytest.param(BCETverskyLoss(softmax=True), id="bce_tversky"),
    pytest.param(FocalTverskyLoss(softmax=True), id="focal_tversky"),
]


def logits_and_target(*labelled: int, pixels: int = 12, classes: int = 3) -> tuple[Tensor, Tensor]:
    """One patch for each number of pixels that have a class; the first ones have one."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(len(labelled), classes, pixels, generator=generator, dtype=torch.float64)
    numbers = torch.randint(classes, (len(labelled), pixels), generator=generator)
    target = torch.nn.functional.one_hot(numbers, classes).movedim(-1, 1).double()
    for patch, count in zip(target, labelled, strict=True):
        patch[:, count:] = 0
    return logits.requires_grad_(), target


@pytest.mark.parametrize("loss", LOSSES)
def test_the_loss_is_that_of_the_other_pixels(loss: torch.nn.Module) -> None:
    logits, target = logits_and_target(7, 7)
    found = LabelledPixels(loss)(logits.unflatten(2, (3, 4)), target.unflatten(2, (3, 4)))
    torch.testing.assert_close(found, loss(logits[..., :7], target[..., :7]))


@pytest.mark.parametrize("loss", LOSSES)
def test_ignored_pixels_have_no_gradient(loss: torch.nn.Module) -> None:
    logits, target = logits_and_target(7, 12, 0)
    value = LabelledPixels(loss)(logits, target)
    (gradient,) = torch.autograd.grad(value, logits)
    ignored = ~target.any(dim=1, keepdim=True).expand_as(target)
    assert (gradient[ignored] == 0).all()
    assert (gradient[~ignored] != 0).any()
    torch.testing.assert_close(LabelledPixels(loss)(torch.where(ignored, 50.0, logits), target), value)


@pytest.mark.parametrize("loss", LOSSES)
def test_without_ignored_pixels_nothing_changes(loss: torch.nn.Module) -> None:
    logits, target = logits_and_target(12, 12)
    assert LabelledPixels(loss)(logits, target) == loss(logits, target)


def test_cross_entropy_and_dice_by_hand() -> None:
    """Three pixels, p = (1/2, 1/2) each; the third, of class 1, is ignored or not.

    Dice of both classes is 2·½ / (1 + 1) without it; the smoothing of MONAI is 1e-5.
    """
    logits, target = torch.zeros(1, 2, 3), torch.tensor([[[1.0, 0, 0], [0, 1, 0]]])
    assert LabelledPixels(torch.nn.CrossEntropyLoss())(logits, target).item() == pytest.approx(math.log(2))
    assert LabelledPixels(DiceLoss(softmax=True))(logits, target).item() == pytest.approx(0.5, abs=1e-5)
    assert DiceLoss(softmax=True)(logits, target).item() == pytest.approx(1 - 1 / 2.5, abs=1e-5)


def test_torch_ignores_the_same_pixels() -> None:
    logits, target = logits_and_target(7)
    numbers = torch.where(target.any(dim=1), target.argmax(dim=1), -1)
    expected = torch.nn.functional.cross_entropy(logits, numbers, ignore_index=-1)
    torch.testing.assert_close(LabelledPixels(torch.nn.CrossEntropyLoss())(logits, target), expected)


def test_patches_without_a_class_have_no_weight() -> None:
    logits, target = logits_and_target(7, 0)
    loss = LabelledPixels(DiceCELoss(softmax=True))
    torch.testing.assert_close(loss(logits, target), loss(logits[:1], target[:1]))
    nothing = loss(logits[1:].half() * 1e4, target[1:])
    nothing.backward()
    assert nothing == 0
    assert (logits.grad == 0).all()


def test_an_invalid_target_is_not_taken_for_ignored() -> None:
    logits, target = logits_and_target(12)
    target[..., 0] = torch.nan
    assert LabelledPixels(torch.nn.CrossEntropyLoss())(logits, target).isnan()


def test_class_indices_are_rejected() -> None:
    with pytest.raises(ValueError, match="a target with ignored pixels needs one channel per class"):
        LabelledPixels(DiceCELoss(softmax=True, to_onehot_y=True))(torch.zeros(1, 3, 4), torch.zeros(1, 1, 4))


def test_the_joint_loss_ignores_only_if_told() -> None:
    logits, target = logits_and_target(7)
    loss = DiceCELoss(softmax=True)
    assert JointLoss(loss, ignores=True)(logits, target) == LabelledPixels(loss)(logits, target)
    assert JointLoss(loss)(logits, target) == loss(logits, target)
