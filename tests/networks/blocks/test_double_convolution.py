import torch
from torch import nn
from torch.nn import functional as F

from cellseg_monai.networks import DoubleConvolution


def test_convolution_normalisation_activation_twice():
    block, image = DoubleConvolution(2, 3, 4, act="leakyrelu").train(), torch.rand(2, 3, 8, 8)
    expected = image
    for convolution in (block[0], block[2]):
        expected = F.conv2d(expected, convolution.weight, convolution.bias, padding=1)
        expected = F.leaky_relu(F.batch_norm(expected, None, None, training=True))
    torch.testing.assert_close(block(image), expected)


def test_dropout_comes_last():
    """Half of the elements are exactly 0, beyond what the activation of a strictly positive map leaves."""
    block = DoubleConvolution(2, 3, 4, norm="", act="sigmoid", dropout=0.5).train()
    share = (block(torch.rand(2, 3, 64, 64)) == 0).float().mean().item()
    assert abs(share - 0.5) < 0.05


def test_the_norm_is_the_one_named():
    block = DoubleConvolution(2, 3, 8, norm=("group", {"num_groups": 4}))
    assert [layer.num_groups for layer in block.modules() if isinstance(layer, nn.GroupNorm)] == [4, 4]
