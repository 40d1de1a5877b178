"""Many runs of bundles in one table: how good, with how many images, which variant, compared with what."""

from cellseg_monai.studies.choosing_images import choose
from cellseg_monai.studies.execution import folder_of, perform_all
from cellseg_monai.studies.fine_tuning import FineTuning, transfer_table
from cellseg_monai.studies.image_changes import CHANGES, Change
from cellseg_monai.studies.morphology_study import morphology
from cellseg_monai.studies.plans import (
    GATES,
    NETWORKS,
    SKIPS,
    comparison,
    cross_validation,
    curve_of,
    gates,
    learning_curve,
    networks,
    skips,
)
from cellseg_monai.studies.pseudo_labels import PseudoLabels, best_by_f1
from cellseg_monai.studies.recipe import Recipe
from cellseg_monai.studies.robustness_study import robustness, robustness_plot, robustness_table
from cellseg_monai.studies.run import Run
from cellseg_monai.studies.run_steps import perform, weights_of
from cellseg_monai.studies.strip_picture import overlay_strip
from cellseg_monai.studies.study import Study
from cellseg_monai.studies.tables import estimate, gather, results, table_of, write_results

__all__ = [
    "CHANGES",
    "GATES",
    "NETWORKS",
    "SKIPS",
    "Change",
    "FineTuning",
    "PseudoLabels",
    "Recipe",
    "Run",
    "Study",
    "best_by_f1",
    "choose",
    "comparison",
    "cross_validation",
    "curve_of",
    "estimate",
    "folder_of",
    "gates",
    "gather",
    "learning_curve",
    "morphology",
    "networks",
    "overlay_strip",
    "perform",
    "perform_all",
    "results",
    "robustness",
    "robustness_plot",
    "robustness_table",
    "skips",
    "table_of",
    "transfer_table",
    "weights_of",
    "write_results",
]  # fmt: skip
