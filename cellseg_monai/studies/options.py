"""Which of a study's options a configuration of the bundle takes, and what new weights are decoded with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellseg_monai.calibration import CHOICES


def known_options(bundle: Path, config: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that a configuration of the bundle knows.

    Example:
        >>> known_options(Path("bundles/skip_unet"), "inference", {"threshold": 0.4, "max_epochs": 3})
        {'threshold': 0.4}
    """
    known = _config(bundle, config)
    return {name: value for name, value in options.items() if name.split("#")[0] in known}


def inference_of_new_weights(bundle: Path, weights: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options of ``inference.json`` for weights that a study has trained.

    They are decoded as they were validated, since the bundle's own inference may be calibrated for the
    weights that come with it.

    Example:
        >>> inference_of_new_weights(Path("bundles/skip_unet"), Path("model.pt"), {"min_size": 30})
        {'seed_height': 0.25, 'threshold': 0.5, 'min_size': 30, 'weights': 'model.pt'}
    """
    training = _config(bundle, "train")
    validated = {name: training[name] for name in CHOICES if name in training}
    return known_options(bundle, "inference", validated | dict(options)) | {"weights": str(weights)}


def _config(bundle: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((bundle / f"configs/{name}.json").read_text())
    return content
