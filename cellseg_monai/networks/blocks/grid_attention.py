"""The attention gate of the paper that introduced attention U-Nets."""

import torch
from monai.networks.layers import Conv
from monai.networks.layers.utils import get_norm_layer
from torch import nn
from torch.nn import functional as F

from cellseg_monai.networks.blocks.layers import LayerSpec
from cellseg_monai.networks.blocks.sizes import resize_to


class GridAttentionGate(nn.Module):
    r"""Weigh each pixel of a map by how well it agrees with a coarser gating map.

    .. math:: α = \sigma(\psi(\mathrm{ReLU}(\theta x + \phi g))), \quad y = N(W(α \cdot x))

    θ is a 2×2 convolution of stride 2 without bias, φ a 1×1 convolution resized linearly to θx, ψ a 1×1
    convolution; α is resized linearly to x; W is a 1×1 convolution and N a normalisation. The agreement is so
    computed at half the size of x (Oktay et al., "Attention U-Net: Learning Where to Look for the Pancreas",
    arXiv 1804.03999, ``GridAttentionBlock`` in the authors' code). The form that adds two maps of one size is
    :class:`AdditiveAttentionGate`.

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the map x that is weighed.
        gate_channels: channels of the gating map g.
        inter_channels: channels in which the two are added; half of ``in_channels`` by default.
        norm: normalisation N as MONAI names it; ``""`` for none.

    Shape:
        x (batch, in_channels, height, width) and g (batch, gate_channels, any height, any width), as a rule
        half of x's, to the shape of x.

    Example:
        >>> gate = GridAttentionGate(2, in_channels=16, gate_channels=32)
        >>> gate(torch.rand(1, 16, 8, 8), torch.rand(1, 32, 4, 4)).shape
        torch.Size([1, 16, 8, 8])
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        gate_channels: int,
        inter_channels: int | None = None,
        norm: LayerSpec = "batch",
    ) -> None:
        super().__init__()
        inter_channels = inter_channels or max(in_channels // 2, 1)
        conv = Conv["conv", spatial_dims]
        self.theta = conv(in_channels, inter_channels, kernel_size=2, stride=2, bias=False)
        self.phi = conv(gate_channels, inter_channels, kernel_size=1)
        self.psi = conv(inter_channels, 1, kernel_size=1)
        self.output = nn.Sequential(
            conv(in_channels, in_channels, kernel_size=1), get_norm_layer(norm, spatial_dims, in_channels)
        )

    def attention(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """The weight of each pixel, from 0 to 1, of shape (batch, 1, height, width)."""
        theta = self.theta(x)
        agreement = self.psi(F.relu(theta + resize_to(self.phi(g), theta)))
        return resize_to(torch.sigmoid(agreement), x)

    def forward(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Weigh x and mix its channels."""
        weighed: torch.Tensor = self.output(x * self.attention(x, g))
        return weighed
