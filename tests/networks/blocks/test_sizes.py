import pytest
import torch

from cellseg_monai.networks import SkipUNet
from cellseg_monai.networks.blocks.sizes import crop_to, pad_to_multiple


def test_the_last_row_and_column_are_repeated():
    image = torch.tensor([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]])
    expected = [[1, 2, 3, 3], [4, 5, 6, 6], [7, 8, 9, 9], [7, 8, 9, 9]]
    assert pad_to_multiple(image, 2)[0, 0].tolist() == expected


@pytest.mark.parametrize("shape", [(17, 32), (16, 31), (8, 8), (9, 10, 11)], ids=str)
def test_cropping_undoes_padding(shape):
    image = torch.rand(2, 3, *shape)
    padded = pad_to_multiple(image, 8)
    assert all(side % 8 == 0 for side in padded.shape[2:])
    assert torch.equal(crop_to(padded, image), image)


def test_a_side_shorter_than_one_deepest_pixel_is_refused():
    with pytest.raises(
        ValueError, match="an image of 7 x 64 pixels is too small: this network needs at least 8"
    ):
        pad_to_multiple(torch.rand(1, 1, 7, 64), 8)


def test_a_network_pads_inside_and_crops_after():
    network, image = SkipUNet(2, 1, 1, channels=(4, 8, 16)).eval(), torch.rand(1, 1, 21, 30)
    expected = network(pad_to_multiple(image, 4))[..., :21, :30]
    assert torch.equal(network(image), expected)
