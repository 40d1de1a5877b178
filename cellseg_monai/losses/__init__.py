"""The losses that MONAI lacks: from logits and target to a number.

For Dice, Dice-focal, Dice-CE and Tversky use MONAI's losses. Its ``DeepSupervisionLoss`` takes any of these.
"""

from cellseg_monai.losses.bce_tversky import BCETverskyLoss, bce_tversky_loss
from cellseg_monai.losses.consistency import ConsistencyLoss, consistency_loss, sigmoid_rampup
from cellseg_monai.losses.dynamic import DynamicPatchLoss, dynamic_patch_loss
from cellseg_monai.losses.focal_tversky import FocalTverskyLoss, focal_tversky_loss
from cellseg_monai.losses.joint import JointLoss
from cellseg_monai.losses.regimes import patch_regimes
from cellseg_monai.losses.tversky import Tversky

__all__ = [
    "BCETverskyLoss", "ConsistencyLoss", "DynamicPatchLoss", "FocalTverskyLoss", "JointLoss", "Tversky",
    "bce_tversky_loss", "consistency_loss", "dynamic_patch_loss", "focal_tversky_loss", "patch_regimes",
    "sigmoid_rampup",
]  # fmt: skip
