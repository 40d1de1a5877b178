"""The attention U-Net for small training sets: gates on all skips, standardised weights, group norm."""

from collections.abc import Sequence
from functools import partial
from typing import Final

import torch
from monai.networks.layers import Conv
from torch import nn

from cellseg_monai.networks.blocks.attention_gates import AdditiveAttentionGate, GridAttentionGate
from cellseg_monai.networks.blocks.double_convolution import DoubleConvolution
from cellseg_monai.networks.blocks.layers import LayerSpec
from cellseg_monai.networks.blocks.u_shape import Build, UShape

GATES = ("grid", "additive")


class PatchAttentionUNet(UShape):
    """Attention U-Net with weight-standardised convolutions.

    After Chen et al., "A Low-Resource Training Strategy for Cell Segmentation using Patch-Based Attention
    U-Net", which combines the attention gates of Oktay et al. (arXiv 1804.03999) with the standardised
    convolutions of Qiao et al. (arXiv 1903.10520). The source specifies neither widths nor normalisation nor
    the form of the gate. Chosen here: half the widths of the U-Net of 2015; group normalisation, which the
    paper on standardisation pairs with it, and which behaves the same for every batch size; and the gate as
    published by Oktay et al.

    All 3×3 convolutions are standardised. Gates, transposed convolutions and the head are not.

    Differences from Oktay et al.: each gate uses the decoder map one level below directly, without a gating
    convolution on the deepest map; there is no deep supervision.

    Measured on one CPU core (``benchmarks/networks.py``) relative to MONAI's ``AttentionUnet`` with the same
    widths, which convolves once per decoder level instead of twice: 1.18 times the multiply-adds, 1.07 times
    the time of a prediction of 512² pixels, and 0.90 times the time of a training step. The standardisation
    adds little. ``network.to(memory_format=torch.channels_last)`` saves a seventh of the time of a prediction
    of 512² pixels but slows down training, so the caller decides.

    Args:
        spatial_dims: 2 or 3.
        in_channels: number of image channels.
        out_channels: number of output channels.
        channels: number of channels at each level, finest level first.
        gate: ``"grid"`` for a :class:`GridAttentionGate` with the map one level below, ``"additive"`` for an
            :class:`AdditiveAttentionGate` with that map after upsampling.
        norm: normalisation as MONAI names it. Its groups must divide each number in ``channels``, and half of
            each with the additive gate.
        act: activation as MONAI names it.
        dropout: probability that an element is set to 0 during training, after each activation.
        weight_standardised: standardise the weights of the 3×3 convolutions.

    Shape:
        (batch, in_channels, height, width) to (batch, out_channels, height, width), with at least
        2^(levels - 1) pixels on each side.

    Raises:
        ValueError: an option is unknown, or the image is too small.

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
        *,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
        gate: str = "grid",
        norm: LayerSpec = ("group", {"num_groups": 8}),
        act: LayerSpec = ("relu", {"inplace": True}),
        dropout: float = 0.0,
        weight_standardised: bool = True,
    ) -> None:
        if gate not in GATES:
            raise ValueError(f"gate must be one of {', '.join(GATES)}, not {gate!r}")
        layers = {"norm": norm, "act": act, "dropout": dropout, "weight_standardised": weight_standardised}
        block = partial(DoubleConvolution, spatial_dims, **layers)  # type: ignore[arg-type]
        level = partial(_Level, spatial_dims, gate, norm, block)
        super().__init__(spatial_dims, in_channels, out_channels, channels=channels, block=block, level=level)


class _Level(nn.Module):
    """Weight the skip by the map below, upsample that map, concatenate both, convolve twice."""

    full_size: Final[bool]

    def __init__(
        self, spatial_dims: int, gate: str, norm: LayerSpec, block: Build, deeper: int, width: int
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
        weighted = self.gate(skipped, enlarged if self.full_size else decoded)
        joined: torch.Tensor = self.block(torch.cat([weighted, enlarged], dim=1))
        return joined
