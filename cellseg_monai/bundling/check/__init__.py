"""What the model zoo, MONAI and MONAI Label would find wrong with a bundle, found before they do."""

from cellseg_monai.bundling.check.bundles import BundleReport, check_bundles

__all__ = ["BundleReport", "check_bundles"]
