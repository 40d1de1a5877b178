"""Logits and target to a number: the losses that MONAI lacks.

Dice, Dice-focal, Dice-CE and Tversky are MONAI's, and its ``DeepSupervisionLoss`` takes any of ours.
"""

from cellseg_monai.losses.bce_tversky import BCETverskyLoss, bce_tversky_loss
from cellseg_monai.losses.consistency import ConsistencyLoss, consistency_loss, sigmoid_rampup
from cellseg_monai.losses.dynamic import DynamicPatchLoss, dynamic_patch_loss
from cellseg_monai.losses.focal_tversky import FocalTverskyLoss, focal_tversky_loss
from cellseg_monai.losses.joint import JointLoss
from cellseg_monai.losses.regimes import patch_regimes

__all__ = [
    "BCETverskyLoss",
    "ConsistencyLoss",
    "DynamicPatchLoss",
    "FocalTverskyLoss",
    "JointLoss",
    "bce_tversky_loss",
    "consistency_loss",
    "dynamic_patch_loss",
    "focal_tversky_loss",
    "patch_regimes",
    "sigmoid_rampup",
]
