"""The attention gate that adds two maps of one size."""

import torch
from monai.networks.layers import Conv
from monai.networks.layers.utils import get_norm_layer
from torch import nn

from cellseg_monai.networks.blocks.layers import LayerSpec


class AdditiveAttentionGate(nn.Module):
    r"""Weigh each pixel of a map by how well it agrees with a gating map of the same size.

    .. math:: y = x \cdot \sigma(N(\psi(\mathrm{ReLU}(N(W_x x) + N(W_g g)))))

    W_x, W_g and ψ are 1×1 convolutions, N a normalisation. This is the form of many public attention U-Nets
    (MONAI's ``AttentionBlock`` among them), where g is brought to the size of x before. For the form of the
    paper that introduced attention U-Nets see :class:`GridAttentionGate`.

    Differs for norms other than batch norm: ψ then has none. With the statistics of a single image, the mean
    of its one channel would be 0 in every image, and the gate could not close over an empty one.

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels F_l of the map x that is weighed.
        gate_channels: channels F_g of the gating map g.
        inter_channels: channels F_int in which the two are added; half of ``in_channels`` by default.
        norm: normalisation as MONAI names it; ``""`` for none.

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
        norm: LayerSpec = "batch",
    ) -> None:
        super().__init__()
        inter_channels = inter_channels or max(in_channels // 2, 1)
        conv = Conv["conv", spatial_dims]
        self.input = nn.Sequential(
            conv(in_channels, inter_channels, kernel_size=1),
            get_norm_layer(norm, spatial_dims, inter_channels),
        )
        self.gating = nn.Sequential(
            conv(gate_channels, inter_channels, kernel_size=1),
            get_norm_layer(norm, spatial_dims, inter_channels),
        )
        batch_norm = norm if _name(norm) == "batch" else ""
        self.agreement = nn.Sequential(
            nn.ReLU(inplace=True),
            conv(inter_channels, 1, kernel_size=1),
            get_norm_layer(batch_norm, spatial_dims, 1),
            nn.Sigmoid(),
        )

    def attention(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """The weight of each pixel, from 0 to 1, of shape (batch, 1, height, width)."""
        weights: torch.Tensor = self.agreement(self.input(x) + self.gating(g))
        return weights

    def forward(self, x: torch.Tensor, g: torch.Tensor) -> torch.Tensor:
        """Weigh x."""
        return x * self.attention(x, g)


def _name(norm: LayerSpec) -> str:
    return (norm if isinstance(norm, str) else norm[0]).lower()
