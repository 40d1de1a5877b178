"""Checks of a dataset before training."""

from cellseg_monai.data.checks.dataset import check_dataset
from cellseg_monai.data.checks.finding import Finding
from cellseg_monai.data.checks.report import CheckReport, render_table

__all__ = ["CheckReport", "Finding", "check_dataset", "render_table"]
