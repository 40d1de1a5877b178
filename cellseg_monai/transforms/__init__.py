"""From file to tensor: transforms for microscopy that MONAI does not have.

Each is a function, an array transform, and a dictionary transform with ``d`` at the end of its name.
"""

from cellseg_monai.transforms.augment import RandElasticGrid, RandElasticGridd
from cellseg_monai.transforms.augment_smoothed import RandElasticSmoothed, RandElasticSmoothedd
from cellseg_monai.transforms.balanced import RandBalancedPatches, RandBalancedPatchesd
from cellseg_monai.transforms.cell_patches import RandCellPatches, RandCellPatchesd
from cellseg_monai.transforms.chaining import chain
from cellseg_monai.transforms.channel_matching import MatchChannels, MatchChannelsd, match_channels
from cellseg_monai.transforms.cover import PatchCover, PatchCoverd
from cellseg_monai.transforms.foreground import balanced_locations, foreground_per_patch
from cellseg_monai.transforms.intensity import PercentileStretch, PercentileStretchd, stretch
from cellseg_monai.transforms.limits import intensity_limits
from cellseg_monai.transforms.measured import CellDiameterd
from cellseg_monai.transforms.patches import covered_shape, pad_end, patch_cover, patch_locations, reassemble
from cellseg_monai.transforms.source_file import FileNameOnlyd
from cellseg_monai.transforms.streamed import streamed_limits
from cellseg_monai.transforms.targets.binary import BinaryTarget, BinaryTargetd, binary_target
from cellseg_monai.transforms.targets.boundary import BoundaryTarget, BoundaryTargetd, boundary_target
from cellseg_monai.transforms.targets.classes import ClassTarget, ClassTargetd, class_target
from cellseg_monai.transforms.targets.distance import (
    DistanceTarget,
    DistanceTargetd,
    ForegroundDistanceTarget,
    ForegroundDistanceTargetd,
    distance_target,
    foreground_distance_target,
)
from cellseg_monai.transforms.targets.scoring import scored_classes, scored_truth
from cellseg_monai.transforms.warping import elastic_displacement, smoothed_displacement, warp

__all__ = [
    "BinaryTarget",
    "BinaryTargetd",
    "BoundaryTarget",
    "BoundaryTargetd",
    "CellDiameterd",
    "ClassTarget",
    "ClassTargetd",
    "DistanceTarget",
    "DistanceTargetd",
    "FileNameOnlyd",
    "ForegroundDistanceTarget",
    "ForegroundDistanceTargetd",
    "MatchChannels",
    "MatchChannelsd",
    "PatchCover",
    "PatchCoverd",
    "PercentileStretch",
    "PercentileStretchd",
    "RandBalancedPatches",
    "RandBalancedPatchesd",
    "RandCellPatches",
    "RandCellPatchesd",
    "RandElasticGrid",
    "RandElasticGridd",
    "RandElasticSmoothed",
    "RandElasticSmoothedd",
    "balanced_locations",
    "binary_target",
    "boundary_target",
    "chain",
    "class_target",
    "covered_shape",
    "distance_target",
    "elastic_displacement",
    "foreground_distance_target",
    "foreground_per_patch",
    "intensity_limits",
    "match_channels",
    "pad_end",
    "patch_cover",
    "patch_locations",
    "reassemble",
    "scored_classes",
    "scored_truth",
    "smoothed_displacement",
    "streamed_limits",
    "stretch",
    "warp",
]
