import pytest
import torch
from torch.nn import functional as F

from cellseg_monai.networks import SkipConnections

CHANNELS = (4, 8, 16)


@pytest.fixture
def encoder_maps() -> list[torch.Tensor]:
    torch.manual_seed(0)
    return [torch.randn(2, width, 32 >> level, 48 >> level) for level, width in enumerate(CHANNELS)]


def test_the_standard_skip_hands_the_maps_on(encoder_maps):
    skips = SkipConnections(2, CHANNELS, "standard")
    assert all(out is given for out, given in zip(skips(encoder_maps), encoder_maps, strict=True))
    assert not list(skips.parameters())


def test_the_convolutional_skip_mixes_the_channels_of_each_pixel(encoder_maps):
    skips = SkipConnections(2, CHANNELS, "convolutional")
    for level, mixed in enumerate(skips(encoder_maps)):
        weight, bias = skips.levels[level].layer.weight[:, :, 0, 0], skips.levels[level].layer.bias
        expected = torch.einsum("oc,bchw->bohw", weight, encoder_maps[level]) + bias[:, None, None]
        torch.testing.assert_close(mixed, expected)


def test_the_fusion_skip_equals_the_published_order_of_work(encoder_maps):
    """Every other map: convolved at its own size, then resized; the sum is convolved."""
    skips = SkipConnections(2, CHANNELS, "fusion")
    for level, fused in enumerate(skips(encoder_maps)):
        block, total = skips.levels[level], encoder_maps[level]
        for other in set(range(len(CHANNELS))) - {level}:
            matched = block.match[other](encoder_maps[other])
            total = total + F.interpolate(matched, size=total.shape[2:], mode="bilinear")
        torch.testing.assert_close(fused, block.mix(total))


def test_the_fusion_skip_has_one_convolution_for_each_pair_of_levels():
    pairs = [(given, wanted) for wanted in CHANNELS for given in CHANNELS]
    expected = sum(given * wanted + wanted for given, wanted in pairs)  # a level with itself: the last mix
    assert sum(p.numel() for p in SkipConnections(2, CHANNELS, "fusion").parameters()) == expected


@pytest.mark.parametrize("skip", ["standard", "convolutional", "fusion"])
def test_volumes_and_torchscript(skip):
    skips = SkipConnections(3, (4, 8), skip)
    maps = [torch.rand(1, 4, 8, 8, 8), torch.rand(1, 8, 4, 4, 4)]
    for eager, scripted in zip(skips(maps), torch.jit.script(skips)(maps), strict=True):
        torch.testing.assert_close(eager, scripted)


def test_an_unknown_skip_is_refused():
    with pytest.raises(ValueError, match="standard, convolutional, fusion, not 'dense'"):
        SkipConnections(2, CHANNELS, "dense")


def test_a_wrong_number_of_maps_is_refused(encoder_maps):
    with pytest.raises(ValueError, match="3 skip connections, but 2 encoder maps"):
        SkipConnections(2, CHANNELS)(encoder_maps[:2])
