import pytest
import torch
from monai.transforms import Resize

from cellseg_monai.inference import TiledInferer
from cellseg_monai.inference.fixed_size import to_size


class Listening(torch.nn.Module):
    """Return what it gets, and remember it."""

    def __init__(self) -> None:
        super().__init__()
        self.windows: list[torch.Tensor] = []

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        self.windows += list(windows)
        return windows


@pytest.mark.parametrize("shape", [(3, 512, 512), (1, 37, 60), (1, 20, 10)], ids=str)
@pytest.mark.parametrize("sides", [(224, 224), (16, 32)], ids=str)
def test_is_what_the_training_does(shape: tuple[int, ...], sides: tuple[int, int]) -> None:
    image = torch.rand(shape)
    expected = Resize(sides, mode="area")(image).as_tensor()
    assert to_size(image[None], sides)[0].equal(expected)


def test_the_network_sees_the_size_and_the_result_has_that_of_the_image() -> None:
    network = Listening()
    image = torch.rand(1, 3, 512, 512)
    result = TiledInferer(224, resize=[224, 224])(image, network)
    assert [tuple(window.shape) for window in network.windows] == [(3, 224, 224)]
    assert network.windows[0].equal(Resize([224, 224], mode="area")(image[0]).as_tensor())
    assert result.shape == image.shape


def test_a_monuseg_image_becomes_sixteen_tiles() -> None:
    """1000 to 896 pixels is 125 to 112, so each tile is a quarter of the image, resized by itself."""
    network = Listening()
    image = torch.rand(1, 1, 1000, 1000)
    assert TiledInferer(224, 0.0, resize=[896, 896])(image, network).shape == image.shape
    assert len(network.windows) == 16
    quarter = Resize([224, 224], mode="area")(image[0, :, 250:500, 750:]).as_tensor()
    torch.testing.assert_close(network.windows[1 * 4 + 3], quarter)


def test_by_hand() -> None:
    """Four pixels become two means, and these become four pixels on the lines between their middles."""
    row = torch.tensor([[[[0.0, 2.0, 5.0, 5.0]] * 4]])
    found = TiledInferer(2, 0.0, resize=[2, 2])(row, lambda windows: windows)
    torch.testing.assert_close(found[0, 0, 0], torch.tensor([1.0, 2.0, 4.0, 5.0]))


def test_a_label_and_back() -> None:
    """Without a shift: a cell in the middle of 512 pixels is in the middle of 224, and again of 512."""
    label = torch.zeros(1, 512, 512)
    label[:, 192:320, 128:384] = 7
    mode = "nearest-exact"  # as in bundles/_base/train.yaml
    small = Resize([224, 224], mode=mode)(label)
    assert set(small.unique().tolist()) == {0, 7}
    assert torch.nonzero(small[0].as_tensor()).amin(0).tolist() == [84, 56]
    assert torch.nonzero(small[0].as_tensor()).amax(0).tolist() == [139, 167]
    assert Resize([512, 512], mode=mode)(small).as_tensor().equal(label)


def test_volumes_and_half_precision() -> None:
    image = torch.rand(1, 1, 6, 8, 10)
    result = TiledInferer((3, 4, 5), resize=[3, 4, 5], output_dtype=torch.float16)(image, Listening())
    assert (result.shape, result.dtype) == (image.shape, torch.float16)


@pytest.mark.parametrize(
    ("resize", "message"),
    [
        ([0, 4], "resize must be at least 1 pixel"),
        ([4], r"resize=\[4\] must have one number for each axis of an image"),
    ],
)
def test_a_wrong_size_is_told(resize: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        TiledInferer(resize=resize)(torch.rand(1, 1, 8, 8), Listening())
