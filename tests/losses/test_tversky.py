import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from monai.losses import TverskyLoss

from cellseg_monai.losses.tversky import SoftCounts, Tversky, soft_counts

costs = st.floats(0.01, 2)
images = hnp.arrays(np.float64, (2, 3, 4, 5), elements=st.floats(-20, 20))
masks = hnp.arrays(np.bool_, (2, 3, 4, 5))


def distance(logits, target, alpha, beta, smooth_nr=1e-5, smooth_dr=1e-5):
    return Tversky(alpha, beta, smooth_nr, smooth_dr).distance(soft_counts(logits, target))


def numpy_distance(logits, target, alpha, beta, smooth_nr, smooth_dr):
    """The formula as the literature has it, patch by patch."""
    result = np.empty(logits.shape[:2])
    for patch, channel in np.ndindex(*result.shape):
        p, t = 1 / (1 + np.exp(-logits[patch, channel])), target[patch, channel]
        tp, fp, fn = np.sum(p * t), np.sum(p * (1.0 - t)), np.sum((1 - p) * t)
        result[patch, channel] = 1 - (tp + smooth_nr) / (tp + alpha * fp + beta * fn + smooth_dr)
    return result


@settings(max_examples=40, deadline=None)
@given(images, masks, costs, costs, st.floats(0, 0.1), st.floats(0.1, 1))
def test_against_numpy(logits, target, alpha, beta, smooth_nr, smooth_dr):
    ours = distance(torch.tensor(logits), torch.tensor(target).double(), alpha, beta, smooth_nr, smooth_dr)
    theirs = numpy_distance(logits, target, alpha, beta, smooth_nr, smooth_dr)
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("alpha", "beta"), [(0.7, 0.3), (0.3, 0.7), (0.9, 0.2)])
@pytest.mark.parametrize(("smooth_nr", "smooth_dr"), [(1e-5, 1e-5), (0.0, 0.5)])
def test_against_monai(alpha, beta, smooth_nr, smooth_dr):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(3, 2, 8, 9, generator=generator)
    target = (torch.rand(logits.shape, generator=generator) < 0.2).float()
    monai = TverskyLoss(
        sigmoid=True, alpha=alpha, beta=beta, smooth_nr=smooth_nr, smooth_dr=smooth_dr, reduction="none"
    )
    ours = distance(logits, target, alpha, beta, smooth_nr, smooth_dr)
    torch.testing.assert_close(ours, monai(logits, target).reshape(3, 2))


def test_alpha_is_the_cost_of_false_positives_and_beta_of_false_negatives():
    one, none = torch.tensor([[1.0]]), torch.tensor([[0.0]])
    false_positive, false_negative = SoftCounts(one, one, none), SoftCounts(one, none, one)
    tversky = Tversky(alpha=3, beta=1, smooth_nr=0, smooth_dr=1e-12)
    assert tversky.distance(false_positive).item() == pytest.approx(3 / 4)
    assert tversky.distance(false_negative).item() == pytest.approx(1 / 2)


def test_a_good_prediction_keeps_its_digits():
    """1 − TI in float32 would give 0 here: the index rounds to 1."""
    counts = SoftCounts(torch.tensor([[1e4]]), torch.tensor([[1e-4]]), torch.tensor([[0.0]]))
    assert Tversky(alpha=0.5, beta=0.5).distance(counts).item() == pytest.approx(5e-9)


def test_an_empty_patch_is_all_or_nothing():
    """Why background patches get cross-entropy: a thousandth of a false pixel is already a total loss."""
    counts = SoftCounts(torch.zeros(1, 2), torch.tensor([[0.0, 1e-3]]), torch.zeros(1, 2))
    assert Tversky(alpha=1, beta=1).distance(counts).flatten().tolist() == pytest.approx([0, 0.990099])


@pytest.mark.parametrize(("alpha", "beta"), [(-0.1, 1), (1, -0.1), (0, 0)])
def test_costs_are_checked(alpha, beta):
    with pytest.raises(
        ValueError, match=rf"small_alpha={alpha} and small_beta={beta} must not be negative nor both 0"
    ):
        Tversky(alpha, beta, prefix="small_")


@pytest.mark.parametrize(("smooth_nr", "smooth_dr"), [(-1e-5, 1e-5), (1e-4, 1e-5), (0, 0)])
def test_smoothing_is_checked(smooth_nr, smooth_dr):
    with pytest.raises(ValueError, match=rf"smooth_nr={smooth_nr} and smooth_dr={smooth_dr} must satisfy"):
        Tversky(smooth_nr=smooth_nr, smooth_dr=smooth_dr)


@pytest.mark.parametrize(("alpha", "beta", "smooth_nr", "smooth_dr"), [(0, 1, 0, 1e-5), (1, 0, 1, 1)])
def test_values_at_the_limits_are_allowed(alpha, beta, smooth_nr, smooth_dr):
    assert distance(torch.zeros(1, 1, 2), torch.zeros(1, 1, 2), alpha, beta, smooth_nr, smooth_dr).isfinite()
