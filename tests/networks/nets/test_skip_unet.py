import pytest
import torch

from cellseg_monai.networks import SkipUNet
from tests.networks.contract import NetworkContract, Subject


class TestStandardSkips(NetworkContract):
    subject = Subject(
        network=SkipUNet,
        narrow={"spatial_dims": 2, "channels": (4, 8, 16)},
        published={"spatial_dims": 2},
        parameters=31_043_521,
    )


class TestConvolutionalSkips(NetworkContract):
    subject = Subject(
        network=SkipUNet,
        narrow={"spatial_dims": 2, "channels": (4, 8, 16), "skip": "convolutional"},
        published={"spatial_dims": 2, "skip": "convolutional"},
        parameters=31_043_521 + sum(width * width + width for width in (64, 128, 256, 512)),
    )


class TestFusionSkips(NetworkContract):
    subject = Subject(
        network=SkipUNet,
        narrow={"spatial_dims": 2, "channels": (4, 8, 16), "skip": "fusion"},
        published={"spatial_dims": 2, "skip": "fusion"},
        parameters=31_043_521
        + 960 * 960
        + 4 * 960,  # each of 64 + 128 + 256 + 512 channels to each, and biases
        dynamo=True,
    )


class TestStemCells(NetworkContract):
    subject = Subject(
        network=SkipUNet,
        narrow={"spatial_dims": 2, "channels": (4, 8, 16), "upsample": "nontrainable"},
        published={"spatial_dims": 2, "channels": (16, 32, 64, 128, 256), "upsample": "nontrainable"},
        parameters=1_965_281 + 2 * 16 * 9,  # of one channel, and two more
    )


def test_interpolation_has_no_parameters():
    network = SkipUNet(2, 1, 1, channels=(4, 8), upsample="nontrainable")
    assert not list(network.decoder[0].enlarge.parameters())
    assert torch.equal(
        network.decoder[0].enlarge(torch.full((1, 8, 2, 2), 3.0)), torch.full((1, 8, 4, 4), 3.0)
    )


def test_the_skip_is_what_the_decoder_joins():
    """With the skip's convolutions at zero, nothing of the encoder's map is left but the deepest."""
    network = SkipUNet(2, 1, 1, channels=(4, 8), skip="convolutional").eval()
    torch.nn.init.zeros_(network.skips.levels[0].layer.weight)
    torch.nn.init.zeros_(network.skips.levels[0].layer.bias)
    image = torch.rand(1, 1, 16, 16)
    first, deepest = network.encoder(image)
    expected = network.head(network.decoder[0](deepest, torch.zeros_like(first)))
    assert torch.equal(network(image), expected)


def test_volumes():
    for upsample in ("deconv", "nontrainable"):
        network = SkipUNet(3, 1, 2, channels=(4, 8), skip="fusion", upsample=upsample)
        assert network(torch.rand(1, 1, 9, 10, 11)).shape == (1, 2, 9, 10, 11)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param({"skip": "dense"}, "skip must be one of", id="skip"),
        pytest.param({"upsample": "bilinear"}, "deconv, nontrainable, not 'bilinear'", id="upsample"),
        pytest.param({"channels": (64,)}, "at least two levels", id="one level"),
    ],
)
def test_options_that_do_not_exist_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SkipUNet(2, 1, 1, **arguments)
