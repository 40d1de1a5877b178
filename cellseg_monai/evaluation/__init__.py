"""Predictions and truth to scores, statements and a report; above the stages, as it joins several."""

from cellseg_monai.evaluation.columns import DEFAULT_METRICS, class_metrics, columns_of
from cellseg_monai.evaluation.evaluating import Evaluation, evaluate
from cellseg_monai.evaluation.fates import Fates, object_fates, pixel_fates
from cellseg_monai.evaluation.report import write_report

__all__ = [
    "DEFAULT_METRICS",
    "Evaluation",
    "Fates",
    "class_metrics",
    "columns_of",
    "evaluate",
    "object_fates",
    "pixel_fates",
    "write_report",
]
