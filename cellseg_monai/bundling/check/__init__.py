"""Checks of a bundle for everything that the model zoo, MONAI or MONAI Label would not accept."""

from cellseg_monai.bundling.check.bundles import BundleReport, check_bundles

__all__ = ["BundleReport", "check_bundles"]
