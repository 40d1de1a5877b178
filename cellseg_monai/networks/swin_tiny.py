"""Load the encoder of a :class:`SkipSwinUNet` from a published Swin Transformer checkpoint."""

import logging
import pickle
import re
from os import PathLike
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from cellseg_monai.networks.nets.skip_swin_unet import SkipSwinUNet

logger = logging.getLogger(__name__)

_NOT_WEIGHTS = re.compile(r"^head\.|\.relative_position_index$|\.attn_mask$")
_ENCODER = re.compile(r"^(patch_embed|layers|norm)\.")
_DOWNSAMPLE = re.compile(r"^layers\.(\d+)\.downsample\.")

_URL = "https://github.com/SwinTransformer/storage/releases/download/v1.0.0/swin_tiny_patch4_window7_224.pth"


class SwinTinyReport(NamedTuple):
    """What happened to each tensor. Names are those of this package.

    Attributes:
        matched: tensors of the network that were loaded from the checkpoint.
        missing: tensors of the network that are not in the checkpoint and keep their initial values.
        unexpected: tensors of the checkpoint that are not in the network.
        mismatched: tensors of the network that keep their initial values because the shapes differ, each with
            both shapes.

    Example:
        >>> report = SwinTinyReport(("norm.weight",), ("up.norm.bias",), unexpected=(), mismatched=())
        >>> [name for name in report.missing if not name.startswith("up.")]
        []
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    mismatched: tuple[str, ...]


def load_swin_tiny(network: SkipSwinUNet, path: str | PathLike[str], decoder: bool = True) -> SwinTinyReport:
    """Load an ImageNet checkpoint of the Swin Transformer into a network.

    The file has the published form, a dictionary with the weights under ``model``, or just the weights. The
    ``state_dict`` of ``swin_tiny_patch4_window7_224`` in timm has the same names, except that timm 0.9 and
    later count a downsampling to the stage that it leads to. Both are read. The
    classifier is skipped, and so are the position and mask buffers, which the network computes. The third
    stage of Swin-Tiny has six blocks, that of Swin-Unet has two; the other four are reported as unexpected.

    The checkpoint expects red, green and blue, normalised by the mean and standard deviation of ImageNet. For
    another number ``n`` of channels, each channel gets the sum of the three colour filters divided by ``n``.
    So a network with one channel responds as to a grey image in all three channels.

    Only plain tensors are read. No code in the file is executed.

    Args:
        network: network to load the weights into.
        path: file such as ``swin_tiny_patch4_window7_224.pth``.
        decoder: also initialise each decoder block from the encoder block of its level, as Swin-Unet does.

    Returns:
        The :class:`SwinTinyReport`. It is also logged, as a warning if a tensor of the encoder was not
        loaded.

    Raises:
        FileNotFoundError: the file does not exist. The message says where to get it.
        ValueError: the file does not contain plain tensors, or none of them fits.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> network = SkipSwinUNet(in_channels=1, out_channels=1)
        >>> with TemporaryDirectory() as folder:
        ...     path = Path(folder, "swin.pth")
        ...     torch.save({"model": {"norm.weight": torch.ones(768), "head.bias": torch.ones(1000)}}, path)
        ...     load_swin_tiny(network, path).matched
        ('norm.weight',)
    """
    weights = _adapt_to_channels(_read(Path(path)), network.patch_embed.proj.in_channels)
    own = network.state_dict()
    if decoder:
        copies = _decoder_weights(weights, levels=len(network.layers))
        weights |= {name: tensor for name, tensor in copies.items() if name in own}
    known = {name: tensor for name, tensor in weights.items() if name in own}
    fitting = {name: tensor for name, tensor in known.items() if tensor.shape == own[name].shape}
    report = SwinTinyReport(
        matched=tuple(fitting),
        missing=tuple(name for name in own if name not in weights),
        unexpected=tuple(name for name in weights if name not in own),
        mismatched=tuple(
            f"{name}: {tuple(tensor.shape)} in the file, {tuple(own[name].shape)} in the network"
            for name, tensor in known.items()
            if name not in fitting
        ),
    )
    if not fitting:
        raise ValueError(
            f"no tensor of {path} fits this network; use the Swin-Tiny checkpoint that Microsoft publishes "
            f"(swin_tiny_patch4_window7_224.pth). {_listing(report)}"
        )
    network.load_state_dict(fitting, strict=False)
    complete = not report.mismatched and not any(_ENCODER.match(name) for name in report.missing)
    logger.log(logging.INFO if complete else logging.WARNING, "%s: %s", path, _listing(report))
    return report


def _read(path: Path) -> dict[str, Tensor]:
    """Read the weights under the names of this package."""
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: there is no such file of Swin-Tiny weights trained on ImageNet; download {_URL} there, "
            "give another file with --encoder_weights FILE, or start from random weights with "
            "--encoder_weights '$None'"
        )
    remedy = "save only the state dict with torch.save(model.state_dict(), path)"
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is not a checkpoint of plain tensors; {remedy}") from error
    weights = content.get("model", content) if isinstance(content, dict) else content
    if not isinstance(weights, dict) or not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise ValueError(f"{path} does not contain a dictionary of tensors; {remedy}")
    named = {
        name.replace(".mlp.fc", ".mlp.linear"): tensor
        for name, tensor in weights.items()
        if not _NOT_WEIGHTS.search(name)
    }
    return _downsampling_last(named)


def _downsampling_last(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Count each downsampling to the stage that it follows, as published; timm counts it to the next."""
    stages = {int(found[1]) for name in weights if (found := re.match(r"layers\.(\d+)\.", name))}
    last = f"layers.{max(stages, default=0)}.downsample."
    if not any(name.startswith(last) for name in weights):
        return weights

    def before(found: re.Match[str]) -> str:
        return f"layers.{int(found[1]) - 1}.downsample."

    return {_DOWNSAMPLE.sub(before, name): tensor for name, tensor in weights.items()}


def _adapt_to_channels(weights: dict[str, Tensor], channels: int) -> dict[str, Tensor]:
    name = "patch_embed.proj.weight"
    if name not in weights or weights[name].shape[1] == channels:
        return weights
    shared = weights[name].sum(dim=1, keepdim=True) / channels
    return weights | {name: shared.repeat(1, channels, 1, 1)}


def _decoder_weights(weights: dict[str, Tensor], levels: int) -> dict[str, Tensor]:
    """Return the encoder blocks under the names of the decoder blocks, which count from the deepest level."""
    blocks = {name: re.match(r"layers\.(\d+)(\.blocks\..+)", name) for name in weights}
    return {
        f"layers_up.{levels - 1 - int(block[1])}{block[2]}": weights[name]
        for name, block in blocks.items()
        if block
    }


def _listing(report: SwinTinyReport) -> str:
    return "; ".join(
        f"{len(names)} {kind}" + (f" ({', '.join(names)})" if names and kind != "matched" else "")
        for kind, names in report._asdict().items()
    )
