"""From tensor to logits: networks and their building blocks."""

from cellseg_monai.networks.blocks.attention_gates import AdditiveAttentionGate, GridAttentionGate
from cellseg_monai.networks.blocks.attention_maps import attention_maps
from cellseg_monai.networks.blocks.double_convolution import DoubleConvolution
from cellseg_monai.networks.blocks.skips import SkipConnections
from cellseg_monai.networks.blocks.weight_standardised import (
    WeightStandardisedConv2d,
    WeightStandardisedConv3d,
    standardise_weight,
)
from cellseg_monai.networks.last_output import LastOutput
from cellseg_monai.networks.nets.attention_unet_plus_plus import AttentionUNetPlusPlus
from cellseg_monai.networks.nets.patch_attention_unet import PatchAttentionUNet
from cellseg_monai.networks.nets.skip_swin_unet import SkipSwinUNet
from cellseg_monai.networks.nets.skip_unet import SkipUNet
from cellseg_monai.networks.sampled import with_dropout
from cellseg_monai.networks.scaled import AtScale, at_scale
from cellseg_monai.networks.swin_tiny import SwinTinyReport, load_swin_tiny

__all__ = [
    "AdditiveAttentionGate",
    "AtScale",
    "AttentionUNetPlusPlus",
    "DoubleConvolution",
    "GridAttentionGate",
    "LastOutput",
    "PatchAttentionUNet",
    "SkipConnections",
    "SkipSwinUNet",
    "SkipUNet",
    "SwinTinyReport",
    "WeightStandardisedConv2d",
    "WeightStandardisedConv3d",
    "at_scale",
    "attention_maps",
    "load_swin_tiny",
    "standardise_weight",
    "with_dropout",
]
