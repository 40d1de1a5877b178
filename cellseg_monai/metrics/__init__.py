"""Label map and truth to numbers: pixels and instances, as functions, MONAI metrics and ignite handlers."""

from cellseg_monai.metrics.cumulative import LabelMapMetric
from cellseg_monai.metrics.instance import (
    AP_THRESHOLDS,
    InstanceScores,
    instance_counts,
    instance_scores,
    mean_average_precision,
    pair_counts,
)
from cellseg_monai.metrics.instance_metric import InstanceHandler, InstanceMetric
from cellseg_monai.metrics.matching import ObjectPairs, match_objects, object_pairs
from cellseg_monai.metrics.pixel import PixelScores, pixel_counts, pixel_scores
from cellseg_monai.metrics.pixel_metric import PixelHandler, PixelMetric

__all__ = [
    "AP_THRESHOLDS",
    "InstanceHandler",
    "InstanceMetric",
    "InstanceScores",
    "LabelMapMetric",
    "ObjectPairs",
    "PixelHandler",
    "PixelMetric",
    "PixelScores",
    "instance_counts",
    "instance_scores",
    "match_objects",
    "mean_average_precision",
    "object_pairs",
    "pair_counts",
    "pixel_counts",
    "pixel_scores",
]
