"""Which of a study's options a configuration of the bundle takes."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def known_options(bundle: Path, config: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that a configuration of the bundle knows.

    Example:
        >>> known_options(Path("bundles/skip_unet"), "inference", {"threshold": 0.4, "max_epochs": 3})
        {'threshold': 0.4}
    """
    known = json.loads((bundle / f"configs/{config}.json").read_text())
    return {name: value for name, value in options.items() if name.split("#")[0] in known}


def inference_options(bundle: Path, weights: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those that ``inference.json`` knows, for the weights of a run.

    Example:
        >>> inference_options(Path("bundles/skip_unet"), Path("model.pt"), {"min_size": 30, "fold": 1})
        {'min_size': 30, 'weights': 'model.pt'}
    """
    return known_options(bundle, "inference", options) | {"weights": str(weights)}
