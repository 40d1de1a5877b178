"""The configurations of a bundle as MONAI parses them."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from monai.bundle import ConfigParser

from cellseg_monai.bundling.render import CHOICES, LAYERS, OPTIONAL
from cellseg_monai.runtime.finding import METADATA, picks

SINGLE_PROCESS = ("train", "inference", "choices", "inference_large", "evaluate", *OPTIONAL)
"""Configurations that one process can instantiate; the others need ``torchrun``."""


def load_config(
    bundle: Path, name: str, output: str = os.devnull, options: Mapping[str, Any] | None = None
) -> ConfigParser:
    """Parse a configuration as MONAI does, but on the CPU, without weights, and with another output folder.

    Args:
        bundle: folder of the bundle.
        name: name in :data:`~cellseg_monai.bundling.render.LAYERS`.
        output: folder for what components write when they are created, such as TensorBoard events.
        options: values by id, as on MONAI's command line.

    Returns:
        Parsed configuration with resolved macros; nothing is instantiated yet.
    """
    options = dict(options or {})
    layers = (*LAYERS[name], CHOICES) if picks(options) else LAYERS[name]
    parser = ConfigParser()
    parser.read_config([str(bundle / "configs" / f"{layer}.json") for layer in layers])
    parser.read_meta(str(bundle / METADATA))
    settings = {
        "bundle_root": str(bundle.resolve()),
        "output_dir": output,
        "ckpt_dir": output,
        "device": "$torch.device('cpu')",
        "weights": "$None",
        "pretrained": "$None",
        "encoder_weights": "$None",
    }
    given = {"settings#given": list(options)} if "settings" in parser else {}
    parser.update({key: value for key, value in settings.items() if key in parser} | given | options)
    parser.parse()
    return parser


def present(bundle: Path) -> list[str]:
    """Names of the configurations of the bundle; optional ones may be absent."""
    return [name for name in LAYERS if (bundle / "configs" / f"{name}.json").is_file()]


def plain_id(place: Any) -> str:
    """An id as people write it, with ``#`` instead of ``::``."""
    return str(place).replace("::", "#")
