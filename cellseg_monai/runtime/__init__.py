"""What a running bundle needs beyond the stages: settings of weights, options, readable errors."""

from cellseg_monai.runtime.described import build, describe
from cellseg_monai.runtime.errors import plain_errors
from cellseg_monai.runtime.finding import find_bundle, known_bundles
from cellseg_monai.runtime.monai_label import choices_of, chosen_of, may_resume
from cellseg_monai.runtime.network import bfloat16_on, half_precision, network_of, on_gpu, ready_network
from cellseg_monai.runtime.options import check_options, require_ids
from cellseg_monai.runtime.origin import origin_of
from cellseg_monai.runtime.settings import keep_settings, settings_of
from cellseg_monai.runtime.teacher import fixed_network
from cellseg_monai.runtime.trained_parts import as_trained, require_match

__all__ = [
    "as_trained",
    "bfloat16_on",
    "build",
    "check_options",
    "choices_of",
    "chosen_of",
    "describe",
    "find_bundle",
    "fixed_network",
    "half_precision",
    "keep_settings",
    "known_bundles",
    "may_resume",
    "network_of",
    "on_gpu",
    "origin_of",
    "plain_errors",
    "ready_network",
    "require_ids",
    "require_match",
    "settings_of",
]
