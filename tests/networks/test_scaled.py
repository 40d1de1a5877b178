from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from monai.networks.nets import BasicUNetPlusPlus
from torch import nn

from cellseg_monai.networks import AtScale, AttentionUNetPlusPlus, LastOutput, PatchAttentionUNet, at_scale
from cellseg_monai.training.pretrained import own_names


def small() -> nn.Module:
    return PatchAttentionUNet(2, 1, 2, channels=(4, 8), norm="batch").eval()


@pytest.mark.parametrize("shape", [(1, 1, 64, 64), (2, 1, 65, 47), (1, 1, 1, 40)], ids=str)
@pytest.mark.parametrize("scale", [0.5, 0.3, 1.0])
def test_logits_have_the_size_of_the_image(shape: tuple[int, ...], scale: float) -> None:
    logits = AtScale(nn.Conv2d(1, 2, 3, padding=1), scale)(torch.rand(shape))
    assert logits.shape == (shape[0], 2, *shape[2:])


def test_a_volume_is_shrunk_along_all_axes() -> None:
    assert AtScale(nn.Conv3d(1, 2, 3, padding=1), 0.5)(torch.rand(1, 1, 8, 16, 12)).shape == (1, 2, 8, 16, 12)


def test_half_a_scale_is_the_mean_of_four_pixels_and_back() -> None:
    image = torch.tensor([[0.0, 2.0, 8.0, 8.0], [2.0, 4.0, 8.0, 8.0]])[None, None]
    logits = AtScale(nn.Identity(), 0.5)(image)
    # means 2 and 8; linearly between the middles of the two
    torch.testing.assert_close(logits[0, 0], torch.tensor([[2.0, 3.5, 6.5, 8.0]]).expand(2, 4))


def gated(deep_supervision: bool = False) -> nn.Module:
    """One that may return a list, and is typed so."""
    channels = (4, 8, 16, 32)
    return AttentionUNetPlusPlus(2, 1, 2, channels=channels, deep_supervision=deep_supervision).eval()


@pytest.mark.parametrize("build", [small, gated], ids=["a tensor", "a tensor or a list"])
def test_scripted_and_eager_agree_at_every_size(build: Callable[[], nn.Module]) -> None:
    network = AtScale(build(), 0.5)
    scripted = torch.jit.script(network)
    for shape in ((1, 1, 64, 64), (1, 1, 70, 33)):
        image = torch.rand(shape)
        torch.testing.assert_close(scripted(image), network(image))


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")  # a trace holds for one size
def test_an_exported_one_is_not_scaled_again(tmp_path: Path) -> None:
    image = torch.rand(1, 1, 64, 64)
    for number, exported in enumerate(
        [torch.jit.script(AtScale(small(), 0.5)), torch.jit.trace(AtScale(small(), 0.5), image)]
    ):
        exported.save(tmp_path / f"{number}.ts")
        loaded = torch.jit.load(tmp_path / f"{number}.ts")
        assert at_scale(loaded, 0.5) is loaded
    assert isinstance(at_scale(torch.jit.script(small()), 0.5), AtScale)


def test_several_maps_are_refused() -> None:
    network = gated(deep_supervision=True).train()
    with pytest.raises(TypeError, match="returns several maps, but AtScale needs one; wrap it in LastOutput"):
        AtScale(network, 0.5)(torch.rand(2, 1, 64, 64))
    assert AtScale(LastOutput(network), 0.5)(torch.rand(2, 1, 64, 64)).shape == (2, 2, 64, 64)


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
    with pytest.raises(ValueError, match=f"scale={scale} must be above 0"):
        AtScale(small(), scale)


def last_output() -> nn.Module:
    """Its tensors begin with ``network.``, as those of every scaled network once did."""
    features = (4, 4, 8, 8, 8, 4)
    return LastOutput(BasicUNetPlusPlus(spatial_dims=2, in_channels=1, features=features))


@pytest.mark.parametrize("build", [small, last_output])
@pytest.mark.parametrize("saved_as", ["at scale 1", "at a scale", "at a scale, by an earlier version"])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_weights_fit_at_every_scale(build: Callable[[], nn.Module], saved_as: str, scale: float) -> None:
    saved = at_scale(build(), 1.0 if saved_as == "at scale 1" else 0.25).state_dict()
    if saved_as.endswith("version"):
        saved = {f"network.{name}": tensor for name, tensor in saved.items()}
    network = at_scale(build(), scale)
    if scale == 1.0:
        saved = own_names(network.state_dict(), saved)
    network.load_state_dict(saved)
    for name, tensor in build().state_dict().items():
        torch.testing.assert_close(network.state_dict()[name], saved.get(name, saved.get(f"network.{name}")))
        assert tensor.shape == network.state_dict()[name].shape


def test_a_scaled_network_within_another_loads_too() -> None:
    saved = nn.Sequential(small()).state_dict()
    nn.Sequential(AtScale(small(), 0.5)).load_state_dict(saved)
