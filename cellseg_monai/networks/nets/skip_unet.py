"""The U-Net of 2015 with batch normalisation and a choice of skip connections."""

from collections.abc import Sequence
from functools import partial

import torch
from monai.networks.layers import Conv
from torch import nn

from cellseg_monai.networks.blocks.double_convolution import DoubleConvolution
from cellseg_monai.networks.blocks.layers import LayerSpec
from cellseg_monai.networks.blocks.sizes import doubling
from cellseg_monai.networks.blocks.u_shape import Build, UShape

UPSAMPLINGS = ("deconv", "nontrainable")


class SkipUNet(UShape):
    """U-Net with standard, convolutional or fusion skip connections.

    After A. Frias, "Image Segmentation for Cell Image Datasets", based on the U-Net of Ronneberger et al.
    (arXiv 1505.04597). With the default widths, three input channels and one output channel it has the
    31,043,521 parameters of that work. :class:`SkipConnections` describes the three kinds.

    Differences from the U-Net of 2015: convolutions keep the size (padding 1), and each is followed by batch
    normalisation. Differences from both: images of any size are padded inside and the logits cropped; and the
    fusion combines only the levels with a skip connection, not the deepest one, which reaches the decoder
    directly.

    The U-Net of Henrion, Quero and Agarwal for stem cells is this class with 16 channels at the first level,
    dropout after each activation, and bilinear upsampling without parameters (second example).

    Args:
        spatial_dims: 2 or 3.
        in_channels: number of image channels.
        out_channels: number of output channels.
        channels: number of channels at each level, finest level first.
        skip: ``"standard"``, ``"convolutional"`` or ``"fusion"``.
        upsample: ``"deconv"``, a 2×2 transposed convolution that halves the channels, or ``"nontrainable"``,
            linear interpolation that keeps them.
        norm: normalisation as MONAI names it.
        act: activation as MONAI names it.
        dropout: probability that an element is set to 0 during training, after each activation.

    Shape:
        (batch, in_channels, height, width) to (batch, out_channels, height, width), with at least
        2^(levels - 1) pixels on each side.

    Raises:
        ValueError: an option is unknown, or the image is too small.

    Example:
        >>> network = SkipUNet(2, in_channels=3, out_channels=1, channels=(8, 16, 32), skip="fusion")
        >>> network(torch.rand(1, 3, 50, 64)).shape
        torch.Size([1, 1, 50, 64])
        >>> stem_cells = SkipUNet(
        ...     2, 1, 1, channels=(16, 32, 64, 128, 256), upsample="nontrainable", dropout=0.1
        ... )
        >>> sum(parameter.numel() for parameter in stem_cells.parameters())
        1965281
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        *,
        channels: Sequence[int] = (64, 128, 256, 512, 1024),
        skip: str = "standard",
        upsample: str = "deconv",
        norm: LayerSpec = "batch",
        act: LayerSpec = ("relu", {"inplace": True}),
        dropout: float = 0.0,
    ) -> None:
        if upsample not in UPSAMPLINGS:
            raise ValueError(f"upsample must be one of {', '.join(UPSAMPLINGS)}, not {upsample!r}")
        block = partial(DoubleConvolution, spatial_dims, norm=norm, act=act, dropout=dropout)
        level = partial(_DecoderLevel, spatial_dims, upsample, block)
        super().__init__(
            spatial_dims, in_channels, out_channels, channels=channels, block=block, level=level, skip=skip
        )


class _DecoderLevel(nn.Module):
    """Upsample, concatenate with the skipped map, convolve twice."""

    def __init__(self, spatial_dims: int, upsample: str, block: Build, deeper: int, width: int) -> None:
        super().__init__()
        if upsample == "deconv":
            self.enlarge = Conv["convtrans", spatial_dims](deeper, width, kernel_size=2, stride=2)
        else:
            self.enlarge = doubling(spatial_dims)
        self.block = block(width + (width if upsample == "deconv" else deeper), width)

    def forward(self, decoded: torch.Tensor, skipped: torch.Tensor) -> torch.Tensor:
        joined: torch.Tensor = self.block(torch.cat([skipped, self.enlarge(decoded)], dim=1))
        return joined
