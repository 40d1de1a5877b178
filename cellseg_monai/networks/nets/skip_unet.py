"""The U-Net of 2015 with batch normalisation, and a choice of skip connections."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import torch
from monai.networks.layers import Conv
from torch import nn

from cellseg_monai.networks.blocks.double_convolution import DoubleConvolution
from cellseg_monai.networks.blocks.encoder import Encoder
from cellseg_monai.networks.blocks.layers import LayerSpec
from cellseg_monai.networks.blocks.sizes import crop_to, pad_to_multiple
from cellseg_monai.networks.blocks.skips import SkipConnections

UPSAMPLINGS = ("deconv", "nontrainable")


class SkipUNet(nn.Module):
    """U-Net with standard, convolutional or fusion skip connections.

    After A. Frias, "Image Segmentation for Cell Image Datasets", on the U-Net of Ronneberger et al.
    (arXiv 1505.04597). With the default widths, three channels in and one out, it has that paper's 31,043,521
    parameters. See :class:`SkipConnections` for the three kinds.

    Differs from the U-Net of 2015: convolutions keep the size (padding 1), and a batch normalisation follows
    each. Differs from both: images of any size are padded inside and the logits cropped. The fusion joins the
    maps of the levels that have a skip, without the deepest, which reaches the decoder anyway.

    The U-Net of Henrion, Quero and Agarwal for stem cells is the same class: 16 filters at the first level,
    dropout after each activation, and a bilinear enlargement without parameters (second example).

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the image.
        out_channels: channels of the logits.
        channels: channels at each level, finest first; one level fewer halves less often.
        skip: ``"standard"``, ``"convolutional"`` or ``"fusion"``.
        upsample: ``"deconv"``, a 2×2 transposed convolution that halves the channels, or ``"nontrainable"``,
            linear interpolation that keeps them.
        norm: normalisation as MONAI names it.
        act: activation as MONAI names it.
        dropout: probability that an element is set to 0 in training, after each activation.

    Shape:
        (batch, in_channels, height, width) to (batch, out_channels, height, width), each side at least
        2^(levels - 1) pixels.

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
        channels: Sequence[int] = (64, 128, 256, 512, 1024),
        skip: str = "standard",
        upsample: str = "deconv",
        norm: LayerSpec = "batch",
        act: LayerSpec = ("relu", {"inplace": True}),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if upsample not in UPSAMPLINGS:
            raise ValueError(f"upsample must be one of {', '.join(UPSAMPLINGS)}, not {upsample!r}")
        block = partial(DoubleConvolution, spatial_dims, norm=norm, act=act, dropout=dropout)
        self.multiple = 2 ** (len(channels) - 1)
        self.encoder = Encoder(spatial_dims, in_channels, channels, block)
        self.skips = SkipConnections(spatial_dims, channels[:-1], skip)
        self.decoder = nn.ModuleList(
            _DecoderLevel(spatial_dims, deeper, width, upsample, block)
            for deeper, width in pairwise(reversed(channels))
        )
        self.head = Conv["conv", spatial_dims](channels[0], out_channels, kernel_size=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of the image's size."""
        features = self.encoder(pad_to_multiple(image, self.multiple))
        decoded = features.pop()
        skipped = self.skips(features)
        for level in self.decoder:
            decoded = level(decoded, skipped.pop())
        logits: torch.Tensor = self.head(decoded)
        return crop_to(logits, image)


class _DecoderLevel(nn.Module):
    """Enlarge, join with the skipped map, convolve twice."""

    def __init__(
        self,
        spatial_dims: int,
        deeper: int,
        width: int,
        upsample: str,
        block: Callable[[int, int], nn.Module],
    ) -> None:
        super().__init__()
        if upsample == "deconv":
            enlarged = width
            self.enlarge = Conv["convtrans", spatial_dims](deeper, width, kernel_size=2, stride=2)
        else:
            enlarged = deeper
            mode = "bilinear" if spatial_dims == 2 else "trilinear"
            self.enlarge = nn.Upsample(scale_factor=2.0, mode=mode, align_corners=False)
        self.block = block(width + enlarged, width)

    def forward(self, decoded: torch.Tensor, skipped: torch.Tensor) -> torch.Tensor:
        joined: torch.Tensor = self.block(torch.cat([skipped, self.enlarge(decoded)], dim=1))
        return joined
