import math

import pytest
import torch

from cellseg_monai.losses import BCETverskyLoss, bce_tversky_loss
from cellseg_monai.losses.bce_tversky import binary_cross_entropy


def test_by_hand():
    """Logits log 3, 0, −log 3, 0 are p = 3/4, 1/2, 1/4, 1/2; the first two pixels are cell.

    TP = 5/4, FP = 3/4, FN = 3/4.
    """
    logits = torch.tensor([3.0, 1.0, 1 / 3, 1.0]).log().reshape(1, 1, 4)
    target = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
    cross_entropy = -(2 * (math.log(3 / 4) + math.log(1 / 2)) + math.log(3 / 4) + math.log(1 / 2)) / 4
    tversky = 1 - 1.25 / (1.25 + 0.2 * 0.75 + 0.6 * 0.75)
    loss = BCETverskyLoss(pos_weight=2, alpha=0.2, beta=0.6, lambda_bce=0.5, lambda_tversky=3)
    assert loss(logits, target).item() == pytest.approx(0.5 * cross_entropy + 3 * tversky, rel=1e-4)


def test_a_miss_costs_more_than_a_false_alarm():
    sure = torch.full((1, 1, 10), -5.0)
    sure[..., :2] = 5
    two_cells, one_more, one_fewer = (torch.zeros(1, 1, 10) for _ in range(3))
    two_cells[..., :2] = one_more[..., :3] = one_fewer[..., :1] = 1
    right, miss, false_alarm = (bce_tversky_loss(sure, t).item() for t in (two_cells, one_more, one_fewer))
    assert right < false_alarm < miss


@pytest.mark.parametrize("pos_weight", [0.5, 1, 7])
def test_cross_entropy_is_that_of_torch(pos_weight):
    generator = torch.Generator().manual_seed(0)
    logits, target = torch.randn(2, 3, 4, 5, generator=generator), torch.rand(2, 3, 4, 5, generator=generator)
    expected = torch.nn.BCEWithLogitsLoss(pos_weight=torch.tensor(pos_weight))(logits, target)
    torch.testing.assert_close(binary_cross_entropy(logits, target, pos_weight).mean(), expected)


@pytest.mark.parametrize("pos_weight", [3, 1.5])
def test_the_best_constant_probability_is_that_of_weighted_pixels(pos_weight):
    """With a share f of foreground, w·f/(w·f + 1−f) minimises the weighted cross-entropy."""
    target = torch.zeros(1, 1, 100, dtype=torch.float64)
    target[..., :10] = 1
    best = math.log(pos_weight * 10 / 90)
    losses = [
        binary_cross_entropy(torch.full_like(target, best + step), target, pos_weight).item()
        for step in (-0.1, 0, 0.1)
    ]
    assert min(losses) == losses[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"pos_weight": 0}, r"pos_weight must be above 0, not 0; 1 means equal weights"),
        ({"lambda_bce": -1}, r"lambda_bce=-1 and lambda_tversky=1\.0 must not be negative nor both 0"),
        ({"lambda_bce": 0, "lambda_tversky": 0}, r"lambda_bce=0 and lambda_tversky=0 must not be negative"),
        ({"alpha": -1}, r"alpha=-1 and beta=0\.7 must not be negative"),
        ({"smooth_dr": 0}, r"smooth_nr=1e-05 and smooth_dr=0 must satisfy"),
    ],
    ids=str,
)
def test_arguments_are_checked(arguments, message):
    with pytest.raises(ValueError, match=message):
        BCETverskyLoss(**arguments)
