"""Scores of predicted and true label maps: pixels, instances, tracks, and whole studies.

The functions do the mathematics. :class:`LabelMapMetric` collects any of them over images for MONAI, and
handlers put instance and pixel scores into an engine.
"""

from cellseg_monai.metrics.boundary import boundary_counts, boundary_f1, boundary_scores, hausdorff95
from cellseg_monai.metrics.classes import class_counts, object_classes
from cellseg_monai.metrics.counting import CountErrors, count_errors, pair_count_errors
from cellseg_monai.metrics.coverage import TaskScores, task_scores
from cellseg_monai.metrics.cumulative import LabelMapMetric
from cellseg_monai.metrics.detection import DetectionScores, detection_scores
from cellseg_monai.metrics.fates import Fates, object_fates, pixel_fates
from cellseg_monai.metrics.fine_tuning import Transfer, transfer
from cellseg_monai.metrics.handlers import InstanceHandler, PixelHandler
from cellseg_monai.metrics.instance import (
    AP_THRESHOLDS,
    InstanceScores,
    instance_counts,
    instance_scores,
    mean_average_precision,
    pair_counts,
)
from cellseg_monai.metrics.jaccard import (
    aggregated_jaccard,
    aggregated_jaccard_plus,
    jaccard_counts,
    jaccard_score,
)
from cellseg_monai.metrics.lineage import Graph, lineage_graph
from cellseg_monai.metrics.matching import ObjectPairs, keep_objects, match_objects, object_pairs
from cellseg_monai.metrics.neurips import neurips_counts, neurips_f1, neurips_scores
from cellseg_monai.metrics.pixel import PixelScores, pixel_counts, pixel_scores
from cellseg_monai.metrics.save_scores import ScoresSaver
from cellseg_monai.metrics.summary import Comparison, Estimate, Summary, compare_paired, summarize
from cellseg_monai.metrics.tracking import TrackingScores, segmentation_score, tracking_scores

__all__ = [
    "AP_THRESHOLDS", "Comparison", "CountErrors", "DetectionScores", "Estimate", "Fates", "Graph",
    "InstanceHandler", "InstanceScores", "LabelMapMetric", "ObjectPairs", "PixelHandler", "PixelScores",
    "ScoresSaver", "Summary", "TaskScores", "TrackingScores", "Transfer", "aggregated_jaccard",
    "aggregated_jaccard_plus", "boundary_counts", "boundary_f1", "boundary_scores", "class_counts",
    "compare_paired", "count_errors", "detection_scores", "hausdorff95", "instance_counts",
    "instance_scores", "jaccard_counts", "jaccard_score", "keep_objects", "lineage_graph",
    "match_objects", "mean_average_precision", "neurips_counts", "neurips_f1", "neurips_scores",
    "object_classes", "object_fates", "object_pairs", "pair_count_errors", "pair_counts",
    "pixel_counts", "pixel_fates", "pixel_scores", "segmentation_score", "summarize", "task_scores",
    "tracking_scores", "transfer",
]  # fmt: skip
