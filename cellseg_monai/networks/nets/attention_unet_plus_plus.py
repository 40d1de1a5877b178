"""U-Net++ with attention gates at any of its nodes."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import torch
from monai.networks.layers import Conv
from torch import nn

from cellseg_monai.networks.blocks.attention_gates import AdditiveAttentionGate
from cellseg_monai.networks.blocks.double_convolution import DoubleConvolution
from cellseg_monai.networks.blocks.layers import LayerSpec
from cellseg_monai.networks.blocks.sizes import crop_to, doubling, pad_to_multiple
from cellseg_monai.networks.blocks.u_shape import Build, Encoder

SUBMITTED_GATES = ("G1.2", "G2.1", "G0.3")
GATED_SKIPS = ("previous", "each", "concatenation")


class AttentionUNetPlusPlus(nn.Module):
    """U-Net++ with attention gates at selected nodes.

    After Yang et al., "Multi-modal Cell Segmentation based on U-Net++ and Attention Gate", based on U-Net++
    (Zhou et al., arXiv 1807.10165). Node X^{i,j} at level i and column j convolves twice the concatenation of
    X^{i,0} … X^{i,j-1} and the upsampled X^{i+1,j-1}. Without gates, with the default widths, three input
    channels and one output channel, it has the 9,163,329 parameters of U-Net++.

    Gate G^{i,j}, written ``"Gi.j"``, comes before X^{i,j}. It weights the maps from the same level by the
    upsampled map from below, as an :class:`AdditiveAttentionGate` with F_l = channels[i] and
    F_g = F_int = channels[i + 1]: G^{2,1} is [128, 256, 256], as published. If several skips reach a node,
    the source says only: "one part is connected from the previous convolution block". The default
    ``gated_skips="previous"`` therefore weights X^{i,j-1} alone. It is also the only choice in which the
    three submitted gates are three gates with the published widths.

    Differences: linear upsampling treats pixels as areas, while U-Net++ aligns the corners, so that a map
    shifts with the size of the image. Images of any size are padded inside and the logits cropped.

    Args:
        spatial_dims: 2 or 3.
        in_channels: number of image channels.
        out_channels: number of output channels.
        channels: number of channels at each level, finest level first; the depth is one less than the number
            of levels.
        gates: names of the gates, such as ``["G2.1", "G0.3"]``, at nodes with j at least 1 and i + j at most
            the depth. The default, the three submitted gates, needs a depth of 3; ``[]`` gives U-Net++.
        gated_skips: ``"previous"`` to weight X^{i,j-1}; ``"each"`` to weight every skip by its own gate;
            ``"concatenation"`` to weight all skips by one gate with F_l = j · channels[i].
        deep_supervision: return a list of the logits of X^{0,1} … X^{0,depth} during training, shallowest
            first.
        output_depth: column of the output X^{0,output_depth} in evaluation; only the nodes that it needs are
            computed. By default the depth. A smaller value needs ``deep_supervision``, which trains the head
            of that column. The weights do not depend on it: train once, then load them into a faster network.
        norm: normalisation as MONAI names it, also in the gates.
        act: activation as MONAI names it.
        dropout: probability that an element is set to 0 during training, after each activation.

    Shape:
        (batch, in_channels, height, width) to (batch, out_channels, height, width), with at least 2^depth
        pixels on each side.

    Raises:
        ValueError: an option is unknown or does not fit the depth, or the image is too small.

    Example:
        >>> network = AttentionUNetPlusPlus(2, 3, 1, channels=(4, 8, 16, 32), deep_supervision=True)
        >>> [tuple(logits.shape) for logits in network(torch.rand(2, 3, 50, 64))]
        [(2, 1, 50, 64), (2, 1, 50, 64), (2, 1, 50, 64)]
        >>> fast = AttentionUNetPlusPlus(
        ...     2, 3, 1, channels=(4, 8, 16, 32), deep_supervision=True, output_depth=2
        ... )
        >>> fast.load_state_dict(network.state_dict())
        <All keys matched successfully>
        >>> fast.eval()(torch.rand(2, 3, 50, 64)).shape
        torch.Size([2, 1, 50, 64])
    """

    deep_supervision: Final[bool]

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        *,
        channels: Sequence[int] = (32, 64, 128, 256, 512),
        gates: Sequence[str] = SUBMITTED_GATES,
        gated_skips: str = "previous",
        deep_supervision: bool = False,
        output_depth: int | None = None,
        norm: LayerSpec = "batch",
        act: LayerSpec = ("relu", {"inplace": True}),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        depth = len(channels) - 1
        output_depth = depth if output_depth is None else output_depth
        _check_gates(gates, gated_skips, depth)
        _check_output(output_depth, depth, deep_supervision)
        block = partial(DoubleConvolution, spatial_dims, norm=norm, act=act, dropout=dropout)
        gate = partial(AdditiveAttentionGate, spatial_dims, norm=norm)
        self.multiple = 2**depth
        self.depth = depth
        self.output_depth = output_depth
        self.deep_supervision = deep_supervision
        self.encoder = Encoder(spatial_dims, in_channels, channels, block)
        self.nodes = nn.ModuleDict()
        self.places = _places(depth)
        for level, column in self.places:
            widths = (column, channels[level], channels[level + 1])
            gated = gated_skips if f"G{level}.{column}" in gates else ""
            self.nodes[f"X{level}_{column}"] = _Node(doubling(spatial_dims), *widths, block, gate, gated)
        self.first_head = 1 if deep_supervision else depth
        self.heads = nn.ModuleList(
            Conv["conv", spatial_dims](channels[0], out_channels, kernel_size=1)
            for _ in range(self.first_head, depth + 1)
        )

    def forward(self, image: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        """Return logits with the size of the image; a list of them when training with deep supervision."""
        depth = self.depth if self.training else self.output_depth
        features = self.encoder(pad_to_multiple(image, self.multiple), depth)
        rows = [[encoded] for encoded in features]
        for number, node in enumerate(self.nodes.values()):
            level, column = self.places[number]
            if level + column <= depth:
                rows[level].append(node(rows[level], rows[level + 1][column - 1]))
        logits: list[torch.Tensor] = []
        for column, head in enumerate(self.heads, self.first_head):
            if self.training or column == depth:
                logits.append(crop_to(head(rows[0][column]), image))
        if self.deep_supervision and self.training:
            return logits
        return logits[-1]


class _Node(nn.Module):
    """X^{i,j}: upsample the map from below, weight the skips, concatenate all, convolve twice."""

    def __init__(
        self,
        enlarge: nn.Module,
        column: int,
        width: int,
        deeper: int,
        block: Build,
        gate: Callable[[int, int, int], nn.Module],
        gated_skips: str,
    ) -> None:
        super().__init__()
        self.joins_first = gated_skips == "concatenation"
        self.gates = nn.ModuleList()
        self.enlarge = enlarge
        self.block = block(column * width + deeper, width)
        weighted = width * column if self.joins_first else width
        for _ in range({"": 0, "each": column}.get(gated_skips, 1)):
            self.gates.append(gate(weighted, deeper, deeper))

    def forward(self, skips: list[torch.Tensor], deeper: torch.Tensor) -> torch.Tensor:
        enlarged = self.enlarge(deeper)
        if self.joins_first:
            skips = [torch.cat(skips, dim=1)]
        ungated = len(skips) - len(self.gates)
        joined = skips[:ungated]
        for number, gate in enumerate(self.gates):
            joined.append(gate(skips[ungated + number], enlarged))
        joined.append(enlarged)
        node: torch.Tensor = self.block(torch.cat(joined, dim=1))
        return node


def _places(depth: int) -> list[tuple[int, int]]:
    """Return level and column of each node, in an order in which the nodes can be computed."""
    return [(level, column) for column in range(1, depth + 1) for level in range(depth - column + 1)]


def _check_gates(gates: Sequence[str], gated_skips: str, depth: int) -> None:
    valid = [f"G{level}.{column}" for level, column in _places(depth)]
    unknown = [gate for gate in gates if gate not in valid]
    if unknown:
        raise ValueError(
            f"gates {', '.join(unknown)} have no node at depth {depth}; valid names are {', '.join(valid)}"
        )
    if gated_skips not in GATED_SKIPS:
        raise ValueError(f"gated_skips must be one of {', '.join(GATED_SKIPS)}, not {gated_skips!r}")


def _check_output(output_depth: int, depth: int, deep_supervision: bool) -> None:
    if not 1 <= output_depth <= depth:
        raise ValueError(f"output_depth must be from 1 to the depth {depth}, not {output_depth}")
    if output_depth < depth and not deep_supervision:
        raise ValueError(
            f"output_depth {output_depth} of {depth} has no trained head; set deep_supervision=True"
        )
