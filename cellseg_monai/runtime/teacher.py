"""A finished network that another one learns from."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from cellseg_monai.networks import at_scale
from cellseg_monai.outputs import StrPath
from cellseg_monai.runtime.described import build, describe
from cellseg_monai.runtime.settings import PARTS, kept_settings
from cellseg_monai.training import load_pretrained


def fixed_network(weights: StrPath, *, device: str | torch.device = "cpu", **same: Any) -> nn.Module:
    """Build the network of weights, in evaluation mode and without gradients.

    Args:
        weights: file of the weights, with its settings beside it.
        device: device of the network.
        same: settings that the network must have been trained with, such as the target, by id.

    Raises:
        FileNotFoundError: the file of the weights does not exist.
        ValueError: the network is not kept beside the weights, or a setting differs.

    Example:
        >>> from functools import partial
        >>> from tempfile import TemporaryDirectory
        >>> from cellseg_monai.runtime import keep_settings
        >>> teacher = partial(nn.Conv2d, in_channels=1, out_channels=1, kernel_size=1)
        >>> with TemporaryDirectory() as folder:
        ...     torch.save(teacher().state_dict(), f"{folder}/model.pt")
        ...     _ = keep_settings(f"{folder}/model.pt", network_def=teacher, in_channels=1)
        ...     fixed_network(f"{folder}/model.pt", in_channels=1).training
        False
    """
    weights = Path(weights)
    if not weights.is_file():
        raise FileNotFoundError(f"{weights}: there are no such weights; train this network first")
    kept = kept_settings(weights)
    if kept.get("network_def") is None:
        raise ValueError(f"{weights}: the network is not kept beside these weights; train it again")
    for name, value in same.items():
        own = describe(value) if name in PARTS else value
        if (its := kept.get(name, own)) != own:  # a setting that did not exist then is not kept
            raise ValueError(f"{weights}: trained with {name}={its}, not {own}; use the same {name}")
    network = at_scale(build(kept["network_def"], nn.Module), kept.get("scale", 1.0))
    return load_pretrained(network, weights).to(device).eval().requires_grad_(False)
