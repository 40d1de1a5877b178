"""The two attention gates: for maps of the same size, and for a coarser gating map."""

import torch
from monai.networks.layers import Conv
from monai.networks.layers.utils import get_norm_layer
from torch import nn
from torch.nn import functional as F

from cellseg_monai.networks.blocks.layers import LayerSpec
from cellseg_monai.networks.blocks.sizes import resize_to


class AdditiveAttentionGate(nn.Module):
    r"""Weight each pixel of a map by its agreement with a gating map of the same size.

    .. math:: y = x \cdot \sigma(N(\psi(\mathrm{ReLU}(N(W_x x) + N(W_g g)))))

    W_x, W_g and ψ are 1×1 convolutions, N is a normalisation. Many public attention U-Nets use this form,
    MONAI's ``AttentionBlock`` among them; they bring g to the size of x first. :class:`GridAttentionGate` has
    the form of the paper that introduced attention U-Nets.

    Difference for norms other than batch norm: ψ has no normalisation. With the statistics of a single image,
    the mean of its one channel would be 0 for every image, and the gate could not close for an empty one.

    Args:
        spatial_dims: 2 or 3.
        in_channels: number of channels F_l of the map x that is weighted.
        gate_channels: number of channels F_g of the gating map g.
        inter_channels: number of channels F_int of the sum; half of ``in_channels`` by default.
        norm: normalisation as MONAI names it; ``""`` for no normalisation.

    Shape:
        x (batch, in_channels, height, width) and g (batch, gate_channels, height, width) to the shape of x.

    Example:
        >>> gate = AdditiveAttentionGate(2, in_channels=16, gate_channels=32)
        >>> gate(torch.rand(1, 16, 8, 8), torch.rand(1, 32, 8, 8)).shape
        torch.Size([1, 16, 8, 8])
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        gate_channels: int,
        inter_channels: int | None = None,
        *,
        norm: LayerSpec = "batch",
    ) -> None:
        super().__init__()
        inter_channels = inter_channels or max(in_channels // 2, 1)
        conv = Conv["conv", spatial_dims]
        self.input, self.gating = (
            nn.Sequential(
                conv(channels, inter_channels, kernel_size=1),
                get_norm_layer(norm, spatial_dims, inter_channels),
            )
            for channels in (in_channels, gate_channels)
        )
        name = norm if isinstance(norm, str) else norm[0]
        self.agreement = nn.Sequential(
            nn.ReLU(inplace=True),
            conv(inter_channels, 1, kernel_size=1),
            get_norm_layer(norm if name.lower() == "batch" else "", spatial_dims, 1),
            nn.Sigmoid(),
        )

    def attention(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Return the weight of each pixel, from 0 to 1, shape (batch, 1, height, width)."""
        weights: torch.Tensor = self.agreement(self.input(x) + self.gating(g))
        return weights

    def forward(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Weight the pixels of x."""
        return x * self.attention(x, g)


class GridAttentionGate(nn.Module):
    r"""Weight each pixel of a map by its agreement with a coarser gating map.

    .. math:: α = \sigma(\psi(\mathrm{ReLU}(\theta x + \phi g))), \quad y = N(W(α \cdot x))

    θ is a 2×2 convolution with stride 2 and no bias. φ is a 1×1 convolution whose result is resized linearly
    to θx. ψ and W are 1×1 convolutions, N is a normalisation, and α is resized linearly to x. So the
    agreement is computed at half the size of x. This is the form of Oktay et al., "Attention U-Net: Learning
    Where to Look for the Pancreas" (arXiv 1804.03999), ``GridAttentionBlock`` in the authors' code. For two
    maps of the same size see :class:`AdditiveAttentionGate`.

    Args:
        spatial_dims: 2 or 3.
        in_channels: number of channels of the map x that is weighted.
        gate_channels: number of channels of the gating map g.
        inter_channels: number of channels of the sum; half of ``in_channels`` by default.
        norm: normalisation N as MONAI names it; ``""`` for no normalisation.

    Shape:
        x (batch, in_channels, height, width) and g (batch, gate_channels, any height, any width), usually
        half the size of x, to the shape of x.

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
        *,
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
        """Return the weight of each pixel, from 0 to 1, shape (batch, 1, height, width)."""
        theta = self.theta(x)
        agreement = self.psi(F.relu(theta + resize_to(self.phi(g), theta)))
        return resize_to(torch.sigmoid(agreement), x)

    def forward(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Weight the pixels of x and mix its channels."""
        weighted: torch.Tensor = self.output(x * self.attention(x, g))
        return weighted
