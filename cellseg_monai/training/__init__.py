"""From loss to weights: handlers that MONAI's engines do not have.

MONAI's ``ValidationHandler``, ``LrScheduleHandler``, ``EarlyStopHandler``, ``ParamSchedulerHandler``,
``StatsHandler``, ``TensorBoardStatsHandler`` and ``MLFlowHandler`` work together with these handlers.
"""

from cellseg_monai.training.best_weights import BestWeights
from cellseg_monai.training.bfloat16 import Bfloat16OnCpu, computes_bfloat16
from cellseg_monai.training.early_warnings import EarlyWarnings
from cellseg_monai.training.freezing import FreezeHandler, freeze
from cellseg_monai.training.gradients import FiniteGuard, GradientClipper
from cellseg_monai.training.plateau import scheduler_arguments
from cellseg_monai.training.pretrained import load_pretrained
from cellseg_monai.training.progress import ProgressHandler
from cellseg_monai.training.resume import ResumeHandler
from cellseg_monai.training.time_limit import TimeLimit
from cellseg_monai.training.unlabelled import ConsistencyHandler, MeanTeacher

__all__ = [
    "BestWeights",
    "Bfloat16OnCpu",
    "ConsistencyHandler",
    "EarlyWarnings",
    "FiniteGuard",
    "FreezeHandler",
    "GradientClipper",
    "MeanTeacher",
    "ProgressHandler",
    "ResumeHandler",
    "TimeLimit",
    "computes_bfloat16",
    "freeze",
    "load_pretrained",
    "scheduler_arguments",
]
