"""Base and overrides to a bundle; a bundle to checks, to a card, and to a zip."""

from cellseg_monai.bundling.auditing import audit_bundle, verify_bundle
from cellseg_monai.bundling.bioimage import pack_bioimage
from cellseg_monai.bundling.card_writing import write_card
from cellseg_monai.bundling.catalogue import Model, describe_model, list_models, models_table
from cellseg_monai.bundling.check import BundleReport, check_bundles
from cellseg_monai.bundling.large_files import list_large_files
from cellseg_monai.bundling.pack import pack_bundle
from cellseg_monai.bundling.render import render_bundle, render_bundles, stale_configs
from cellseg_monai.bundling.sources import find_bundles

__all__ = [
    "BundleReport", "Model", "audit_bundle", "check_bundles", "describe_model",
    "find_bundles", "list_large_files", "list_models",
    "models_table", "pack_bioimage", "pack_bundle", "render_bundle", "render_bundles",
    "stale_configs", "verify_bundle", "write_card",
]  # fmt: skip
