import pytest
import torch
from monai.losses import TverskyLoss

from cellseg_monai.losses import FocalTverskyLoss, Tversky, focal_tversky_loss
from cellseg_monai.losses.focal_tversky import SMALLEST_DISTANCE, focal_power

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(2, 1, 6, 7, generator=GENERATOR)
TARGET = (torch.rand(2, 1, 6, 7, generator=GENERATOR) < 0.3).float()


def test_by_hand():
    """p = 3/4, 1/2, 1/4, 1/2 and the first two pixels are cell: TP = 5/4, FP = 3/4, FN = 3/4."""
    logits = torch.tensor([3.0, 1.0, 1 / 3, 1.0]).log().reshape(1, 1, 4)
    target = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
    expected = (1 - 1.25 / (1.25 + 0.2 * 0.75 + 0.6 * 0.75)) ** 1.5
    assert focal_tversky_loss(logits, target, tversky=Tversky(0.2, 0.6), gamma=1.5).item() == pytest.approx(
        expected, rel=1e-4
    )


@pytest.mark.parametrize("gamma", [0.5, 0.75, 1, 4 / 3, 2])
def test_gamma_is_the_exponent_of_the_tversky_loss_of_monai(gamma):
    tversky = TverskyLoss(sigmoid=True, alpha=0.3, beta=0.7, reduction="none")(LOGITS, TARGET).reshape(2, 1)
    torch.testing.assert_close(focal_tversky_loss(LOGITS, TARGET, gamma=gamma), tversky**gamma)


def test_defaults_are_those_of_the_code_of_the_authors():
    """Their Tversky index weighs false negatives with 0.7; their loss has the exponent 0.75."""
    p = LOGITS[0].sigmoid()
    tp, fn, fp = (p * TARGET[0]).sum(), ((1 - p) * TARGET[0]).sum(), (p * (1 - TARGET[0])).sum()
    theirs = (1 - tp / (tp + 0.7 * fn + 0.3 * fp)) ** 0.75
    torch.testing.assert_close(FocalTverskyLoss()(LOGITS[:1], TARGET[:1]), theirs)


@pytest.mark.parametrize("gamma", [0.3, 0.75, 1, 1.5, 2])
def test_value_and_slope_at_zero(gamma):
    distance = torch.zeros(1, requires_grad=True)
    value = focal_power(distance, gamma)
    value.backward()
    expected = {1: 1.0, 1.5: 0.0, 2: 0.0}.get(gamma, SMALLEST_DISTANCE ** (gamma - 1))
    assert value.item() == 0
    assert distance.grad.item() == pytest.approx(expected)


def test_line_and_curve_meet():
    edge = torch.tensor([0.999, 1, 1.001], dtype=torch.float64) * SMALLEST_DISTANCE
    below, at, above = focal_power(edge, 0.75).tolist()
    assert at == pytest.approx(SMALLEST_DISTANCE**0.75, rel=1e-12)
    assert below == pytest.approx(0.999 * at, rel=1e-12)
    assert above == pytest.approx(1.001**0.75 * at, rel=1e-12)


@pytest.mark.parametrize("gamma", [0.75, 1.5])
def test_it_grows_with_the_distance(gamma):
    values = focal_power(torch.logspace(-7, 0, 200, dtype=torch.float64), gamma)
    assert (values.diff() > 0).all()


@pytest.mark.parametrize("gamma", [0, -0.75])
def test_gamma_is_checked(gamma):
    with pytest.raises(ValueError, match=f"gamma must be above 0, not {gamma}; 1 is the plain"):
        FocalTverskyLoss(gamma=gamma)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": -1}, r"alpha=0\.3 and beta=-1 must not be negative"),
        ({"smooth_nr": 1}, r"smooth_nr=1 and smooth_dr=1e-05 must satisfy"),
    ],
    ids=str,
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        FocalTverskyLoss(**arguments)
