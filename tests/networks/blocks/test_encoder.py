import pytest
import torch
from torch import nn
from torch.nn import functional as F

from cellseg_monai.networks.blocks.u_shape import Encoder


def pointwise(given: int, made: int) -> nn.Module:
    return nn.Conv2d(given, made, kernel_size=1)


def test_each_level_convolves_the_halved_level_above():
    encoder, image = Encoder(2, 3, (4, 8, 16), pointwise), torch.rand(1, 3, 16, 24)
    first, second, third = encoder(image)
    assert torch.equal(first, encoder.first(image))
    assert torch.equal(second, encoder.deeper[0](F.max_pool2d(first, 2)))
    assert torch.equal(third, encoder.deeper[1](F.max_pool2d(second, 2)))


def test_it_stops_after_the_halvings_asked_for():
    encoder = Encoder(2, 3, (4, 8, 16), pointwise)
    assert [len(encoder(torch.rand(1, 3, 16, 16), depth)) for depth in (0, 1, 2)] == [1, 2, 3]


def test_one_level_is_refused():
    with pytest.raises(ValueError, match=r"at least two levels, but \(4,\) has 1"):
        Encoder(2, 3, (4,), pointwise)


def test_other_dimensions_are_refused():
    with pytest.raises(ValueError, match="spatial_dims must be 2 or 3, not 1"):
        Encoder(1, 3, (4, 8), pointwise)
