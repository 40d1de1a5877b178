"""From annotated images to a trained bundle: look at the images, plan, train, compare with the start."""

from cellseg_monai.planning.facts import Fingerprint, fingerprint
from cellseg_monai.planning.plan import Choice, Plan, plan_training
from cellseg_monai.planning.preparation import Preparation, prepare
from cellseg_monai.planning.ranking import Ranking, rank_models
from cellseg_monai.planning.result import Trained
from cellseg_monai.planning.starts import Trial, try_models
from cellseg_monai.planning.training import train

__all__ = [
    "Choice",
    "Fingerprint",
    "Plan",
    "Preparation",
    "Ranking",
    "Trained",
    "Trial",
    "fingerprint",
    "plan_training",
    "prepare",
    "rank_models",
    "train",
    "try_models",
]
