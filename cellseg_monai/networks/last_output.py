"""Networks that return several maps, where one is wanted."""

from collections.abc import Sequence

from torch import Tensor, nn


class LastOutput(nn.Module):
    """The last map of a network that returns a list of them, such as MONAI's ``BasicUNetPlusPlus``.

    That one returns a list even of one map, which neither a loss nor a sliding window takes.

    Args:
        network: returns a tensor, or a list of which the last one counts.

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
        """Logits of the image."""
        output = self.network(image)
        last: Tensor = output[-1] if isinstance(output, Sequence) else output
        return last
