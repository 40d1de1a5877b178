import torch
from monai.networks.nets import BasicUNetPlusPlus

from cellseg_monai.networks import LastOutput


def test_it_is_the_last_map_and_trains() -> None:
    torch.manual_seed(0)
    network = BasicUNetPlusPlus(
        spatial_dims=2, in_channels=1, out_channels=3, features=(4, 4, 8, 8, 8, 4), deep_supervision=True
    )
    image = torch.rand(2, 1, 32, 32)
    logits = LastOutput(network)(image)
    torch.testing.assert_close(logits, network(image)[-1])
    logits.sum().backward()
    assert network.final_conv_0_4.weight.grad is not None


def test_one_map_stays_as_it_is() -> None:
    image = torch.rand(1, 1, 4, 4)
    assert LastOutput(torch.nn.Identity())(image) is image
