"""Base and overrides to a bundle, a bundle to a verdict, a bundle to a zip."""

from cellseg_monai.bundling.belonging import require_match
from cellseg_monai.bundling.check import BundleReport, check_bundles
from cellseg_monai.bundling.command_line import check_options, plain_errors, require_ids
from cellseg_monai.bundling.find import find_bundle, known_bundles
from cellseg_monai.bundling.pack import pack_bundle
from cellseg_monai.bundling.render import render_bundle, render_bundles, stale_configs
from cellseg_monai.bundling.sources import find_bundles

__all__ = [
    "BundleReport", "check_bundles", "check_options", "find_bundle", "find_bundles", "known_bundles",
    "pack_bundle", "plain_errors", "render_bundle", "render_bundles", "require_ids", "require_match", "stale_configs",
]  # fmt: skip
