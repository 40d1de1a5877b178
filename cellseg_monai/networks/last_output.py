"""Use the last of several output maps."""

from collections.abc import Sequence

from torch import Tensor, nn


class LastOutput(nn.Module):
    """Return only the last map of a network that returns a list, such as MONAI's ``BasicUNetPlusPlus``.

    That network returns a list even for a single map, and neither losses nor sliding windows take lists.

    Args:
        network: network that returns a tensor or a list of tensors.

    Example:
        >>> import torch
        >>> from monai.networks.nets import BasicUNetPlusPlus
        >>> network = BasicUNetPlusPlus(spatial_dims=2, in_channels=1, features=(4, 4, 8, 8, 8, 4))
        >>> LastOutput(network)(torch.zeros(1, 1, 32, 32)).shape
        torch.Size([1, 2, 32, 32])
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        """Return the last map."""
        output = self.network(image)
        last: Tensor = output[-1] if isinstance(output, Sequence) else output
        return last
