"""Options of a study that a configuration of the bundle accepts."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellseg_monai.runtime.settings import kept_settings


def known_options(bundle: Path, config: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options whose ids are in a configuration of the bundle.

    Args:
        bundle: folder of the bundle.
        config: name of the configuration, such as "inference".
        options: values by id.

    Example:
        >>> known_options(Path("bundles/skip_unet"), "inference", {"threshold": 0.4, "max_epochs": 3})
        {'threshold': 0.4}
    """
    known = json.loads((bundle / f"configs/{config}.json").read_text())
    return {name: value for name, value in options.items() if name.split("#")[0] in known}


def options_of_trained(bundle: Path, weights: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that inference with weights needs after a training with the same options.

    The training keeps most of them beside the weights.

    Args:
        bundle: folder of the bundle.
        weights: file of the trained weights.
        options: options of the training by id.

    Example:
        >>> options = {"tta": True, "fold": 1}
        >>> options_of_trained(Path("bundles/skip_unet"), Path("runs/model.pt"), options)
        {'tta': True, 'weights': 'runs/model.pt'}
    """
    kept = kept_settings(weights)
    known = known_options(bundle, "inference", options)
    needed = {name: value for name, value in known.items() if kept.get(name.split("#")[0]) is None}
    return needed | {"weights": str(weights)}
