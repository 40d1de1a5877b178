"""Half precision keeps the grey values of an image."""

import pytest
import torch
from torch import nn

from cellseg_monai.inference import TiledInferer
from cellseg_monai.inference.half_precision import half_precision


class Edges(nn.Module):
    """Amplifies small differences of grey values, as a network does for images of low contrast."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 1, (1, 2), bias=False)
        self.second = nn.Conv2d(1, 1, 1)
        self.seen: list[torch.dtype] = []
        with torch.no_grad():
            self.first.weight.copy_(torch.tensor([-5000.0, 5000.0]).reshape(1, 1, 1, 2))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        edges = self.first(nn.functional.pad(image, (0, 1, 0, 0), mode="replicate"))
        self.seen.append(edges.dtype)
        return self.second(edges)


def test_differences_that_half_precision_does_not_have_are_seen() -> None:
    image = (0.9 + torch.arange(16).remainder(2) * 2e-4).expand(1, 1, 16, 16)
    assert torch.equal(image.bfloat16(), image[..., :1].bfloat16().expand_as(image)), "one grey value"
    network = Edges()
    found = TiledInferer(16, amp=True, progress=False)(image, network)
    assert network.seen == [torch.bfloat16]
    torch.testing.assert_close(found, TiledInferer(16, progress=False)(image, network), atol=0.02, rtol=0)


def test_the_network_is_left_as_it_was() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3))
    with pytest.raises(RuntimeError), half_precision(network, torch.rand(1, 3, 8, 8)):  # noqa: PT012
        assert len(network[0]._forward_hooks) == 1
        assert not network[2]._forward_hooks
        network(torch.rand(1, 5, 8, 8))
    assert not network[0]._forward_hooks
    assert not network[0]._forward_pre_hooks
    assert not torch.is_autocast_enabled("cpu")


def test_scripted_networks_and_functions_run_in_half_precision() -> None:
    image = torch.rand(1, 1, 8, 8)
    scripted = torch.jit.script(nn.Conv2d(1, 2, 3))
    with torch.no_grad(), half_precision(scripted, image):
        assert scripted(image).dtype == torch.bfloat16
    with half_precision(torch.sigmoid, image):
        assert torch.is_autocast_enabled("cpu")
