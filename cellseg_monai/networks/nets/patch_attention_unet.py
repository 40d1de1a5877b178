"""The attention U-Net for small training sets: a gate on every skip, standardised weights, group norm."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

import torch
from monai.networks.layers import Conv
from torch import nn

from cellseg_monai.networks.blocks.additive_attention import AdditiveAttentionGate
from cellseg_monai.networks.blocks.double_convolution import DoubleConvolution
from cellseg_monai.networks.blocks.encoder import Encoder
from cellseg_monai.networks.blocks.grid_attention import GridAttentionGate
from cellseg_monai.networks.blocks.layers import LayerSpec
from cellseg_monai.networks.blocks.sizes import crop_to, pad_to_multiple

GATES = ("grid", "additive")


class PatchAttentionUNet(nn.Module):
    """Attention U-Net with weight-standardised convolutions.

    After Chen et al., "A Low-Resource Training Strategy for Cell Segmentation using Patch-Based Attention
    U-Net", which joins the attention gates of Oktay et al. (arXiv 1804.03999) to the standardised
    convolutions of Qiao et al. (arXiv 1903.10520). The source names no widths, no normalisation and no form
    of the gate. Chosen here: half the widths of the U-Net of 2015; group normalisation, the partner of the
    standardisation in its paper, which also behaves alike at every batch size; the gate as Oktay et al.
    published it.

    Every 3×3 convolution is standardised. The rest is not: gates, transposed convolutions and the head.

    Differs from Oktay et al.: each gate looks at the decoder's map one level below as it is, without a
    gating convolution on the deepest map; no deep supervision.

    Measured on one CPU core (``benchmarks/networks.py``): 1.18 times the multiply-adds of MONAI's
    ``AttentionUnet`` of equal widths, whose decoder convolves once a level where this one does twice, 1.07
    times the time of a prediction of 512² and 0.90 of a training step. The standardisation adds little.
    ``network.to(memory_format=torch.channels_last)`` saves a seventh of a prediction of 512² and slows
    training, so it is left to the caller.

    Args:
        spatial_dims: 2 or 3.
        in_channels: channels of the image.
        out_channels: channels of the logits.
        channels: channels at each level, finest first.
        gate: ``"grid"`` for :class:`GridAttentionGate` on the map one level below, ``"additive"`` for
            :class:`AdditiveAttentionGate` on that map after its enlargement.
        norm: normalisation as MONAI names it; its groups must divide each of ``channels``, and with the
            additive gate half of each.
        act: activation as MONAI names it.
        dropout: probability that an element is set to 0 in training, after each activation.
        weight_standardised: standardise the weights of the 3×3 convolutions.

    Shape:
        (batch, in_channels, height, width) to (batch, out_channels, height, width), each side at least
        2^(levels - 1) pixels.

    Example:
        >>> network = PatchAttentionUNet(2, in_channels=1, out_channels=1, channels=(8, 16, 32))
        >>> network(torch.rand(4, 1, 128, 128)).shape
        torch.Size([4, 1, 128, 128])
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
        gate: str = "grid",
        norm: LayerSpec = ("group", {"num_groups": 8}),
        act: LayerSpec = ("relu", {"inplace": True}),
        dropout: float = 0.0,
        weight_standardised: bool = True,
    ) -> None:
        super().__init__()
        if gate not in GATES:
            raise ValueError(f"gate must be one of {', '.join(GATES)}, not {gate!r}")
        block = partial(
            DoubleConvolution,
            spatial_dims,
            norm=norm,
            act=act,
            dropout=dropout,
            weight_standardised=weight_standardised,
        )
        self.multiple = 2 ** (len(channels) - 1)
        self.encoder = Encoder(spatial_dims, in_channels, channels, block)
        self.decoder = nn.ModuleList(
            _Level(spatial_dims, deeper, width, gate, norm, block)
            for deeper, width in pairwise(reversed(channels))
        )
        self.head = Conv["conv", spatial_dims](channels[0], out_channels, kernel_size=1)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """Logits of the image's size."""
        features = self.encoder(pad_to_multiple(image, self.multiple))
        decoded = features.pop()
        for level in self.decoder:
            decoded = level(decoded, features.pop())
        logits: torch.Tensor = self.head(decoded)
        return crop_to(logits, image)


class _Level(nn.Module):
    """Weigh the skip by the map below, enlarge that map, join both, convolve twice."""

    full_size: Final[bool]

    def __init__(
        self,
        spatial_dims: int,
        deeper: int,
        width: int,
        gate: str,
        norm: LayerSpec,
        block: Callable[[int, int], nn.Module],
    ) -> None:
        super().__init__()
        self.full_size = gate == "additive"
        self.enlarge = Conv["convtrans", spatial_dims](deeper, width, kernel_size=2, stride=2)
        self.gate = (
            AdditiveAttentionGate(spatial_dims, width, width, norm=norm)
            if self.full_size
            else GridAttentionGate(spatial_dims, width, deeper, norm=norm)
        )
        self.block = block(2 * width, width)

    def forward(self, decoded: torch.Tensor, skipped: torch.Tensor) -> torch.Tensor:
        enlarged = self.enlarge(decoded)
        weighed = self.gate(skipped, enlarged if self.full_size else decoded)
        joined: torch.Tensor = self.block(torch.cat([weighed, enlarged], dim=1))
        return joined
