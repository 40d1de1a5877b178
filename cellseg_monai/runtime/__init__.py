"""What a bundle needs while it runs, beyond the stages: its options, its decoding, sentences for errors."""

from cellseg_monai.runtime.errors import plain_errors
from cellseg_monai.runtime.finding import find_bundle, known_bundles
from cellseg_monai.runtime.kept_decoding import calibrated_decoding, keep_decoding
from cellseg_monai.runtime.matching_decoding import require_match
from cellseg_monai.runtime.options import check_options, require_ids

__all__ = [
    "calibrated_decoding",
    "check_options",
    "find_bundle",
    "keep_decoding",
    "known_bundles",
    "plain_errors",
    "require_ids",
    "require_match",
]
