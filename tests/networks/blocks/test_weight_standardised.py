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


@pytest.fixture
def counted(monkeypatch):
    """Calls of the function that standardises."""
    calls = []

    def standardised(weight):
        calls.append(weight)
        return standardise_weight(weight)

    monkeypatch.setattr(f"{WeightStandardisedConv2d.__module__}.standardise_weight", standardised)
    return calls


def test_a_network_that_only_predicts_standardises_once(counted):
    layer, image = WeightStandardisedConv2d(3, 4, kernel_size=3).eval(), torch.rand(1, 3, 8, 8)
    expected = layer(image)
    with torch.no_grad():
        found = [layer(image) for _ in range(3)]
    assert all(torch.equal(each, expected) for each in found)
    assert len(counted) == 2
    assert expected.requires_grad
    with torch.no_grad():
        layer.train()(image)
    assert len(counted) == 3, "training changes the weights anyway"
    assert list(layer.state_dict()) == ["weight", "bias"]


def test_kept_weights_follow_the_weights(counted):
    layer, image = WeightStandardisedConv2d(3, 4, kernel_size=3).eval(), torch.rand(1, 3, 8, 8)
    other = WeightStandardisedConv2d(3, 4, kernel_size=3)
    with torch.no_grad():
        layer(image)
        layer.weight.copy_(other.weight)
        layer.bias.copy_(other.bias)
        assert torch.equal(layer(image), other(image))
        layer.load_state_dict(WeightStandardisedConv2d(3, 4, kernel_size=3).state_dict())
        assert torch.equal(layer(image), F.conv2d(image, standardise_weight(layer.weight), layer.bias))
        assert layer.double()(image.double()).dtype == torch.float64
        assert torch.equal(
            layer.float()(image), F.conv2d(image, standardise_weight(layer.weight), layer.bias)
        )


def test_weights_that_an_optimizer_changes_behind_the_back_are_seen(counted):
    layer, image = WeightStandardisedConv2d(3, 4, kernel_size=3), torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        before = layer.eval()(image)
    layer.train()(image)
    layer.weight.data[0].neg_()  # leaves the version as it is
    with torch.no_grad():
        assert not torch.equal(layer.eval()(image), before)


def test_weights_made_for_inference_only_have_no_version():
    with torch.inference_mode():
        layer, image = WeightStandardisedConv2d(3, 4, kernel_size=3).eval(), torch.rand(1, 3, 8, 8)
        assert torch.equal(layer(image), layer(image))


def test_kept_weights_have_the_precision_of_the_moment(counted):
    layer, image = WeightStandardisedConv2d(3, 4, kernel_size=3).eval(), torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        exact = layer(image)
        with torch.autocast("cpu", torch.bfloat16):
            half = layer(image)
            expected = F.conv2d(image, standardise_weight(layer.weight), layer.bias)
        assert half.dtype == torch.bfloat16
        assert torch.equal(half, expected)
        assert torch.equal(layer(image), exact)
