import numpy as np
import pytest
import torch
from torch.nn import functional as F

from cellseg_monai.networks import (
    DoubleConvolution,
    WeightStandardisedConv2d,
    WeightStandardisedConv3d,
    standardise_weight,
)


def test_the_formula():
    """Worked by NumPy: unbiased deviation, eps outside the root, one output channel at a time."""
    weight = np.random.default_rng(0).normal(3, 2, (4, 2, 3, 3))
    standardised = standardise_weight(torch.from_numpy(weight), eps=0.5)
    for channel in range(4):
        expected = (weight[channel] - weight[channel].mean()) / (weight[channel].std(ddof=1) + 0.5)
        np.testing.assert_allclose(standardised[channel], expected, rtol=1e-12)


def test_a_constant_weight_becomes_zero_and_can_be_trained():
    weight = torch.full((2, 3, 3, 3), 7.0, requires_grad=True)
    standardised = standardise_weight(weight)
    assert torch.equal(standardised, torch.zeros(2, 3, 3, 3))
    (standardised * torch.rand(2, 3, 3, 3)).sum().backward()
    assert weight.grad.isfinite().all()


def test_a_single_weight_is_refused():
    with pytest.raises(ValueError, match="a single weight has no standard deviation"):
        standardise_weight(torch.ones(4, 1, 1, 1))


def test_the_gradient():
    weight = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(standardise_weight, (weight,))


@pytest.mark.parametrize(
    ("convolution", "plain", "shape"),
    [
        pytest.param(WeightStandardisedConv2d, F.conv2d, (1, 3, 8, 8), id="plane"),
        pytest.param(WeightStandardisedConv3d, F.conv3d, (1, 3, 8, 8, 8), id="volume"),
    ],
)
def test_the_convolution_uses_the_standardised_weight(convolution, plain, shape):
    layer, image = convolution(3, 4, kernel_size=3, stride=2, padding=1), torch.rand(shape)
    expected = plain(image, standardise_weight(layer.weight), layer.bias, stride=2, padding=1)
    assert torch.equal(layer(image), expected)


def test_scaling_and_shifting_the_weights_changes_nothing():
    layer, image = WeightStandardisedConv2d(3, 4, kernel_size=3), torch.rand(1, 3, 8, 8)
    before = layer(image)
    with torch.no_grad():
        layer.weight.mul_(5).add_(2)
    torch.testing.assert_close(layer(image), before, rtol=1e-3, atol=1e-4)


def test_a_double_convolution_standardises_both():
    kinds = [type(layer) for layer in DoubleConvolution(2, 3, 8, weight_standardised=True)][::2]
    assert kinds == [WeightStandardisedConv2d, WeightStandardisedConv2d]


def test_standardised_weights_without_a_norm_are_refused():
    with pytest.raises(ValueError, match="weight_standardised needs a norm"):
        DoubleConvolution(2, 3, 8, norm="", weight_standardised=True)
