"""Many runs of bundles to one table: how good, with how many images, which variant, beside whom."""

from cellseg_monai.studies.changed_images import robustness, robustness_plot, robustness_table
from cellseg_monai.studies.changes import CHANGES, Change
from cellseg_monai.studies.execution import folder_of, perform_all
from cellseg_monai.studies.finetuning import FineTuning, transfer_table
from cellseg_monai.studies.gathering import estimate, gather, results, table_of, write_results
from cellseg_monai.studies.held_out import cross_validation
from cellseg_monai.studies.image_counts import curve_of, learning_curve
from cellseg_monai.studies.pseudo_labels import PseudoLabels
from cellseg_monai.studies.run import Run, perform, weights_of
from cellseg_monai.studies.selection import choose
from cellseg_monai.studies.strips import overlay_strip
from cellseg_monai.studies.study import Study
from cellseg_monai.studies.variants import GATES, NETWORKS, SKIPS, comparison, gates, networks, skips

__all__ = [
    "CHANGES",
    "GATES",
    "NETWORKS",
    "SKIPS",
    "Change",
    "FineTuning",
    "PseudoLabels",
    "Run",
    "Study",
    "choose",
    "comparison",
    "cross_validation",
    "curve_of",
    "estimate",
    "folder_of",
    "gates",
    "gather",
    "learning_curve",
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
