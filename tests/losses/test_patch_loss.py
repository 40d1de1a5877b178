"""What every loss of the package promises, and that each of its arguments has an effect."""

import copy
import inspect
import math
import shutil

import pytest
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.losses import DeepSupervisionLoss

from cellseg_monai.losses import BCETverskyLoss, ConsistencyLoss, DynamicPatchLoss, FocalTverskyLoss
from cellseg_monai.losses.patch_loss import PatchLoss, reduce_patches

LOSSES = {
    "bce_tversky": BCETverskyLoss(pos_weight=4, alpha=0.2, beta=0.9),
    "focal_tversky": FocalTverskyLoss(alpha=0.2, beta=0.9, gamma=0.6),
    "focal_tversky_steep": FocalTverskyLoss(alpha=0.8, beta=0.3, gamma=1.7),
    "dynamic": DynamicPatchLoss(large_alpha=0.4, large_beta=0.9, gamma=0.6),
    "dynamic_by_prediction": DynamicPatchLoss(regime_from="prediction", large_alpha=0.4, large_beta=0.9),
    "consistency_mse": ConsistencyLoss("mse", confidence=0.6, teacher_logits=False),
    "consistency_kl": ConsistencyLoss("kl", confidence=0.6, teacher_logits=False),
}


@pytest.fixture(params=LOSSES)
def loss(request):
    return copy.deepcopy(LOSSES[request.param])


def patches(channels=1, dtype=torch.float32, side=8):
    """Logits and masks of four patches: no cell, a small one, a large one, and all cell."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(4, channels, side, side, generator=generator, dtype=torch.float64)
    target = torch.zeros(4, channels, side, side)
    target[1, :, 2, 2] = 1
    target[2, :, :3] = 1
    target[3] = 1
    return logits.to(dtype), target.to(dtype)


@pytest.mark.parametrize("softmax", [False, True], ids=["sigmoid", "softmax"])
def test_gradient(loss, softmax):
    loss.softmax = softmax
    logits, target = patches(channels=2, dtype=torch.float64, side=5)
    assert torch.autograd.gradcheck(lambda x: loss(x, target), logits.requires_grad_())


def test_a_batch_is_worth_the_mean_of_its_patches(loss):
    logits, target = patches(channels=2)
    single = [loss(x[None], t[None]) for x, t in zip(logits, target, strict=True)]
    torch.testing.assert_close(loss(logits, target), torch.stack(single).mean())


def test_reductions(loss):
    logits, target = patches(channels=2)
    results = {}
    for loss.reduction in ("none", "mean", "sum"):
        results[loss.reduction] = loss(logits, target)
    assert results["none"].shape == (4, 2)
    torch.testing.assert_close(results["mean"], results["none"].mean())
    torch.testing.assert_close(results["sum"], results["none"].sum())


def test_sample_weights_multiply_the_loss_of_each_sample(loss):
    logits, target = patches(channels=2)
    weighted = loss(logits, target, sample_weight=torch.tensor([1.0, 0.0, 2.0, 0.5]))
    loss.reduction = "none"
    values = loss(logits, target)
    torch.testing.assert_close(weighted, (values[0] + 2 * values[2] + 0.5 * values[3]).sum() / 8)


@pytest.mark.parametrize("weights", [torch.ones(3), torch.ones(4, 1), torch.tensor(1.0)], ids=str)
def test_one_weight_per_sample(loss, weights):
    with pytest.raises(ValueError, match=r"sample_weight needs shape \(4,\), one weight per sample, not"):
        loss(*patches(), sample_weight=weights)


def test_a_perfect_prediction_costs_nothing(loss):
    _, target = patches(channels=2)
    loss.reduction = "none"
    assert loss(80 * target - 40, target).abs().max() < 1e-6


def test_the_opposite_of_the_truth_costs_most(loss):
    logits, target = patches()
    loss.reduction = "none"
    assert (loss(30 - 60 * target, target) > loss(logits, target)).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("softmax", [False, True], ids=["sigmoid", "softmax"])
@pytest.mark.parametrize("right", [False, True], ids=["wrong", "right"])
def test_large_logits_are_finite_under_autocast(loss, dtype, softmax, right):
    loss.softmax = softmax
    _, target = patches(channels=2)
    sign = 1 if right else -1
    logits = (sign * (2e4 * target - 1e4)).to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = loss(logits, target)
    value.backward()
    assert value.dtype == torch.float32
    assert value.isfinite()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_is_that_of_the_logits_alone(loss, dtype):
    logits, target = patches(dtype=dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(loss(logits, target), loss(logits.float(), target.float()))


def test_gradient_is_finite_where_the_logits_are_undecided_and_the_target_is_empty_or_full(loss):
    target = torch.stack([torch.zeros(1, 8, 8), torch.ones(1, 8, 8)])
    logits = torch.zeros(2, 1, 8, 8, requires_grad=True)
    loss(logits, target).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64], ids=str)
def test_masks_of_any_dtype(loss, dtype):
    logits, target = patches()
    assert torch.equal(loss(logits, target.to(dtype)), loss(logits, target))


def test_volumes(loss):
    logits, target = patches()
    flat = loss(logits, target)
    torch.testing.assert_close(loss(logits.reshape(4, 1, 4, 4, 4), target.reshape(4, 1, 4, 4, 4)), flat)


def test_metadata_is_left_behind(loss):
    logits, target = patches()
    assert type(loss(MetaTensor(logits), MetaTensor(target))) is torch.Tensor


def test_a_mask_of_0_and_255_makes_the_loss_nan(loss):
    logits, target = patches()
    assert loss(logits, 255 * target).isnan()


def test_the_host_never_waits_for_the_device(loss):
    """A meta tensor has no values; whoever looks at one fails."""
    logits, target = (tensor.to("meta") for tensor in patches(channels=2))
    loss.softmax = True
    assert loss(logits.requires_grad_(), target).device.type == "meta"


def test_compiled_and_eager_agree(loss):
    torch.compiler.reset()
    compiled = torch.compile(copy.deepcopy(loss), backend="aot_eager", fullgraph=True)
    _compare_with_eager(compiled, loss)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="inductor needs a C++ compiler")
def test_inductor_and_eager_agree():
    loss = copy.deepcopy(LOSSES["dynamic"])
    torch.compiler.reset()
    _compare_with_eager(torch.compile(copy.deepcopy(loss), fullgraph=True), loss)


def _compare_with_eager(compiled, loss):
    for _ in range(2):
        gradients = []
        for form in (compiled, loss):
            logits, target = patches(channels=2)
            value = form(logits.requires_grad_(), target)
            value.backward()
            gradients.append((value.detach(), logits.grad))
        torch.testing.assert_close(*gradients)
    if isinstance(loss, DynamicPatchLoss):
        assert compiled.regime_counts() == loss.regime_counts()


def test_class_numbers_are_worth_their_channels(loss):
    logits, _ = patches(channels=3)
    classes = torch.randint(0, 3, (4, 1, 8, 8), generator=torch.Generator().manual_seed(1))
    one_hot = torch.cat([classes == number for number in range(3)], dim=1)
    loss.softmax = True
    from_channels = loss(logits, one_hot)
    loss.to_onehot_y = True
    assert torch.equal(loss(logits, classes), from_channels)


@pytest.mark.parametrize("outputs", [list, tuple])
def test_deep_supervision_of_monai_takes_full_size_outputs(loss, outputs):
    logits, target = patches()
    levels = [logits, logits + 1, logits - 1, 2 * logits]
    supervised = DeepSupervisionLoss(loss, weights=[0.25] * 4)
    expected = sum(loss(level, target) for level in levels) / 4
    torch.testing.assert_close(supervised(outputs(levels), target), expected)


COMMON_EFFECTS = [("include_background", False), ("softmax", True), ("reduction", "sum")]
TVERSKY_EFFECTS = [("alpha", 0.9), ("beta", 0.1), ("smooth_nr", 0.0), ("smooth_dr", 0.5)]
EFFECTS = {
    BCETverskyLoss: [
        *TVERSKY_EFFECTS,
        ("pos_weight", 5.0),
        ("lambda_bce", 0.5),
        ("lambda_tversky", 0.5),
    ],
    FocalTverskyLoss: [*TVERSKY_EFFECTS, ("gamma", 2.0)],
    DynamicPatchLoss: [
        ("small_below", 0.9),
        ("regime_from", "prediction"),
        ("lambda_background", 0.5),
        ("lambda_small", (0.5, 1.0)),
        ("lambda_small", (1.0, 0.5)),
        ("lambda_large", (0.5, 1.0)),
        ("lambda_large", (1.0, 0.5)),
        ("small_alpha", 0.2),
        ("small_beta", 0.9),
        ("large_alpha", 0.2),
        ("large_beta", 0.9),
        ("gamma", 2.0),
        ("smooth_nr", 0.0),
        ("smooth_dr", 0.5),
    ],
    ConsistencyLoss: [("distance", "kl"), ("confidence", 0.9), ("teacher_logits", False)],
}


@pytest.mark.parametrize(
    ("loss_class", "argument", "value"),
    [(c, *effect) for c, effects in EFFECTS.items() for effect in [*effects, *COMMON_EFFECTS]],
    ids=lambda value: value.__name__ if isinstance(value, type) else str(value),
)
def test_argument_has_an_effect(loss_class, argument, value):
    logits, target = patches(channels=2)
    target[:, 1] = 1 - target[:, 1]
    default, changed = loss_class(), loss_class(**{argument: value})
    assert abs(default(logits, target) - changed(logits, target)) > 1e-9


@pytest.mark.parametrize("loss_class", EFFECTS)
def test_no_argument_is_left_untested(loss_class):
    tested = {argument for argument, _ in [*EFFECTS[loss_class], *COMMON_EFFECTS]}
    if loss_class is not ConsistencyLoss:
        tested |= {"to_onehot_y"}  # test_class_numbers_are_worth_their_channels
    assert tested == set(inspect.signature(loss_class).parameters)


@pytest.mark.parametrize("loss_class", EFFECTS)
def test_a_bundle_names_it(loss_class):
    config = {"loss": {"_target_": f"cellseg_monai.losses.{loss_class.__name__}", "reduction": "sum"}}
    loss = ConfigParser(config).get_parsed_content("loss")
    assert loss(*patches()) == loss_class(reduction="sum")(*patches())


def test_a_bundle_gives_lists():
    config = {"_target_": "cellseg_monai.losses.DynamicPatchLoss", "lambda_small": [0.5, 2.0]}
    loss = ConfigParser(config).get_parsed_content()
    assert loss(*patches()) == DynamicPatchLoss(lambda_small=(0.5, 2.0))(*patches())


@pytest.mark.parametrize("loss_class", EFFECTS)
def test_unknown_reduction(loss_class):
    with pytest.raises(ValueError, match=r"reduction must be one of \('mean', 'sum', 'none'\), not 'avg'"):
        loss_class(reduction="avg")


def test_a_loss_without_values_says_so():
    with pytest.raises(NotImplementedError, match=r"PatchLoss does not define patch_values\(\)"):
        PatchLoss()(*patches())


def test_weights_of_the_mean_by_hand():
    values, weights = torch.tensor([[1.0, 3.0], [10.0, 20.0]]), torch.tensor([2.0, 0.1])
    assert math.isclose(reduce_patches(values, "mean", weights), (2 + 6 + 1 + 2) / 4, rel_tol=1e-6)
