"""Swin-Unet, a U-Net of window attention alone, with three kinds of skip connections."""

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellseg_monai.networks.blocks.sizes import crop_to, pad_to_multiple
from cellseg_monai.networks.blocks.skips import SkipConnections
from cellseg_monai.networks.blocks.swin_block import SwinBlock
from cellseg_monai.networks.blocks.tokens import PatchEmbedding, PatchExpanding, PatchMerging


class SkipSwinUNet(nn.Module):
    """Swin-Unet (https://arxiv.org/abs/2105.05537) with the skip connections of A. Frias.

    The source is "Image Segmentation for Cell Image Datasets". With the default widths, three input channels,
    one output channel and standard skips, this is the published Swin-Unet, tensor for tensor: 27,168,132
    parameters. The source reports 35,383,483 parameters, which no public configuration reproduces. Parameters
    have the published names, except for MONAI's ``mlp.linear1`` and ``mlp.linear2``.
    :func:`cellseg_monai.networks.load_swin_tiny` loads a Swin-Tiny checkpoint into the encoder.

    Differences from the published code:

    - Images of any size work, from ``patch_size * 2 ** (levels - 1)`` pixels on each side, 32 by default. The
      image is padded by repeating its edge, and the logits are cropped. If windows do not divide a map, each
      block pads it and masks the padding. At 224 pixels nothing is padded.
    - A map smaller than a window is one padded window without shift, and it uses the part of the position
      table that it needs. The table, and so the checkpoint, does not depend on the image size.
    - ``skip`` changes the encoder maps before the published join, a concatenation and a linear layer.

    Args:
        in_channels: number of image channels.
        out_channels: number of output channels.
        feature_size: number of features of a token at the finest level; it doubles from level to level.
        depths: number of blocks at each level of the encoder, finest level first; the decoder mirrors all but
            the deepest level.
        num_heads: number of attention heads at each level; must divide the number of features there.
        window_size: side of the attention windows in tokens.
        patch_size: side in pixels of the patch that becomes a token.
        skip: ``"standard"``, ``"convolutional"`` or ``"fusion"``, see
            :class:`cellseg_monai.networks.SkipConnections`.
        dropout: fraction of the features set to 0 after the embedding and within the blocks during training.
        drop_path_rate: fraction of the samples that skip the deepest block during training; it decreases
            linearly to 0 at the first block.

    Shape:
        ``(batch, in_channels, height, width)`` to ``(batch, out_channels, height, width)``.

    Raises:
        ValueError: an argument is out of range, arguments do not fit each other, or the image is too small.

    Example:
        >>> network = SkipSwinUNet(
        ...     in_channels=1, out_channels=2, feature_size=8, depths=(2, 2), num_heads=(1, 2), skip="fusion"
        ... )
        >>> network(torch.rand(1, 1, 50, 37)).shape
        torch.Size([1, 2, 50, 37])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        feature_size: int = 96,
        depths: Sequence[int] = (2, 2, 2, 2),
        num_heads: Sequence[int] = (3, 6, 12, 24),
        window_size: int = 7,
        patch_size: int = 4,
        skip: str = "standard",
        dropout: float = 0.0,
        drop_path_rate: float = 0.2,
    ) -> None:
        super().__init__()
        sizes = {"in_channels": in_channels, "out_channels": out_channels, "feature_size": feature_size}
        sizes |= {"window_size": window_size, "patch_size": patch_size}
        channels = _features(depths, num_heads, sizes)
        for name, share in {"dropout": dropout, "drop_path_rate": drop_path_rate}.items():
            if not 0 <= share < 1:
                raise ValueError(f"{name} must be at least 0 and below 1, not {share}")
        drop_paths = torch.linspace(0, drop_path_rate, sum(depths), device="cpu").tolist()

        def blocks(level: int) -> nn.Sequential:
            return nn.Sequential(
                *(
                    SwinBlock(
                        channels[level],
                        num_heads[level],
                        window_size,
                        shift=index % 2 * (window_size // 2),
                        dropout=dropout,
                        drop_path=drop_paths[sum(depths[:level]) + index],
                    )
                    for index in range(depths[level])
                )
            )

        *upper, deepest = range(len(depths))
        self.stride = patch_size * 2**deepest
        self.patch_embed = PatchEmbedding(in_channels, feature_size, patch_size)
        self.pos_drop = nn.Dropout(dropout)
        self.layers = nn.ModuleList(
            nn.Sequential(OrderedDict(blocks=blocks(level), downsample=PatchMerging(channels[level])))
            for level in upper
        )
        self.layers.append(nn.Sequential(OrderedDict(blocks=blocks(deepest))))
        self.norm = nn.LayerNorm(channels[deepest])

        self.skips = SkipConnections(spatial_dims=2, channels=channels[:-1], skip=skip)
        self.layers_up = nn.ModuleList([_doubling(channels[deepest])])
        self.concat_back_dim = nn.ModuleList([nn.Identity()])  # the deepest level has no skip connection
        for level in reversed(upper):
            self.concat_back_dim.append(nn.Linear(2 * channels[level], channels[level]))
            upsample = {"upsample": _doubling(channels[level])} if level else {}
            self.layers_up.append(nn.Sequential(OrderedDict(blocks=blocks(level), **upsample)))
        self.norm_up = nn.LayerNorm(feature_size)
        self.up = PatchExpanding(feature_size, feature_size, scale=patch_size)
        self.output = nn.Conv2d(feature_size, out_channels, kernel_size=1, bias=False)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> Tensor:
        """Return the logits of a channel-first image."""
        tokens = self.pos_drop(self.patch_embed(pad_to_multiple(image, self.stride)))
        encoder_maps: list[Tensor] = []
        for stage in self.layers:
            encoder_maps.append(tokens.permute(0, 3, 1, 2))
            tokens = stage(tokens)
        tokens = self.norm(tokens)

        skipped = self.skips(encoder_maps[:-1])
        # TorchScript does not have strict zip
        for depth, (join, stage) in enumerate(zip(self.concat_back_dim, self.layers_up)):  # noqa: B905
            if depth > 0:
                tokens = join(torch.cat([tokens, skipped[-depth].permute(0, 2, 3, 1)], dim=-1))
            tokens = stage(tokens)
        tokens = self.up(self.norm_up(tokens))
        return crop_to(self.output(tokens.permute(0, 3, 1, 2)), image)


def _doubling(channels: int) -> PatchExpanding:
    return PatchExpanding(channels, channels // 2, scale=2)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _features(depths: Sequence[int], num_heads: Sequence[int], sizes: dict[str, int]) -> list[int]:
    """Return the number of features of a token at each level, or raise if the arguments do not fit."""
    if len(depths) < 2 or len(depths) != len(num_heads):
        raise ValueError(
            f"depths {tuple(depths)} and num_heads {tuple(num_heads)} must have one number for each of at "
            "least two levels"
        )
    for name, value in {**sizes, "depths": min(depths), "num_heads": min(num_heads)}.items():
        if value < 1:
            raise ValueError(f"{name} must be at least 1, not {value}")
    channels = [sizes["feature_size"] * 2**level for level in range(len(depths))]
    for level, (width, heads) in enumerate(zip(channels, num_heads, strict=True)):
        if width % heads:
            raise ValueError(
                f"{heads} heads do not divide the {width} features of level {level}; "
                "change num_heads or feature_size"
            )
    return channels
