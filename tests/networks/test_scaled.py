import pytest
import torch
from torch import nn

from cellseg_monai.networks import AtScale, PatchAttentionUNet, at_scale


def small() -> nn.Module:
    return PatchAttentionUNet(2, 1, 2, channels=(4, 8), norm="batch").eval()


@pytest.mark.parametrize("shape", [(1, 1, 64, 64), (2, 1, 65, 47), (1, 1, 1, 40)], ids=str)
@pytest.mark.parametrize("scale", [0.5, 0.3, 1.0])
def test_answer_has_the_size_of_the_image(shape: tuple[int, ...], scale: float) -> None:
    answer = AtScale(nn.Conv2d(1, 2, 3, padding=1), scale)(torch.rand(shape))
    assert answer.shape == (shape[0], 2, *shape[2:])


def test_a_volume_is_shrunk_along_all_axes() -> None:
    assert AtScale(nn.Conv3d(1, 2, 3, padding=1), 0.5)(torch.rand(1, 1, 8, 16, 12)).shape == (1, 2, 8, 16, 12)


def test_half_a_scale_is_the_mean_of_four_pixels_and_back() -> None:
    image = torch.tensor([[0.0, 2.0, 8.0, 8.0], [2.0, 4.0, 8.0, 8.0]])[None, None]
    answer = AtScale(nn.Identity(), 0.5)(image)
    # means 2 and 8; linearly between the middles of the two
    torch.testing.assert_close(answer[0, 0], torch.tensor([[2.0, 3.5, 6.5, 8.0]]).expand(2, 4))


def test_scripted_and_eager_agree_at_every_size() -> None:
    network = AtScale(small(), 0.5)
    scripted = torch.jit.script(network)
    for shape in ((1, 1, 64, 64), (1, 1, 70, 33)):
        image = torch.rand(shape)
        torch.testing.assert_close(scripted(image), network(image))


def test_gradients_reach_the_network() -> None:
    network = AtScale(small().train(), 0.5)
    network(torch.rand(2, 1, 32, 32)).sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())


def test_the_whole_scale_leaves_the_network_alone() -> None:
    network = small()
    assert at_scale(network, 1.0) is network
    scaled = at_scale(network, 0.5)
    assert isinstance(scaled, AtScale)
    assert at_scale(scaled, 0.5) is scaled


@pytest.mark.parametrize("scale", [0, -1, 1.5])
def test_other_scales_are_refused(scale: float) -> None:
    with pytest.raises(ValueError, match=f"scale={scale} of the image"):
        AtScale(small(), scale)
