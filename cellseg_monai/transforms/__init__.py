"""File to tensor: what MONAI lacks for microscopy, as functions, array and dictionary transforms."""

from cellseg_monai.transforms.augment import RandElasticGrid, RandElasticGridd
from cellseg_monai.transforms.channels import MatchChannels, MatchChannelsd, match_channels
from cellseg_monai.transforms.intensity import PercentileStretch, PercentileStretchd, stretch
from cellseg_monai.transforms.limits import intensity_limits
from cellseg_monai.transforms.warping import elastic_displacement, warp

__all__ = [
    "MatchChannels",
    "MatchChannelsd",
    "PercentileStretch",
    "PercentileStretchd",
    "RandElasticGrid",
    "RandElasticGridd",
    "elastic_displacement",
    "intensity_limits",
    "match_channels",
    "stretch",
    "warp",
]
