"""The block of every U-Net: two 3×3 convolutions, each with normalisation, activation and dropout."""

from monai.networks.blocks import ADN
from monai.networks.layers import Conv
from torch import nn

from cellseg_monai.networks.blocks.layers import LayerSpec
from cellseg_monai.networks.blocks.weight_standardised import (
    WeightStandardisedConv2d,
    WeightStandardisedConv3d,
)


class DoubleConvolution(nn.Sequential):
    """Convolution, normalisation, activation and dropout, twice. The size does not change.

    Args:
        spatial_dims: 2 or 3.
        in_channels: number of input channels.
        out_channels: number of channels after each convolution.
        norm: normalisation as MONAI names it; ``""`` for no normalisation.
        act: activation as MONAI names it.
        dropout: probability that an element is set to 0 during training.
        weight_standardised: standardise the weights of both convolutions; this requires a normalisation.

    Shape:
        (batch, in_channels, height, width) to (batch, out_channels, height, width).

    Example:
        >>> import torch
        >>> DoubleConvolution(2, 3, 8, norm=("group", {"num_groups": 4}))(torch.rand(1, 3, 16, 16)).shape
        torch.Size([1, 8, 16, 16])
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        *,
        norm: LayerSpec = "batch",
        act: LayerSpec = ("relu", {"inplace": True}),
        dropout: float = 0.0,
        weight_standardised: bool = False,
    ) -> None:
        if weight_standardised and not norm:
            raise ValueError(
                "weight_standardised needs a norm to restore the scale; set norm, for example to 'batch'"
            )
        standardised = {2: WeightStandardisedConv2d, 3: WeightStandardisedConv3d}
        conv = standardised[spatial_dims] if weight_standardised else Conv["conv", spatial_dims]
        layers: list[nn.Module] = []
        for width in (in_channels, out_channels):
            layers += [
                conv(width, out_channels, kernel_size=3, padding=1),
                ADN("NAD", out_channels, act, norm, norm_dim=spatial_dims, dropout=dropout, dropout_dim=1),
            ]
        super().__init__(*layers)
