"""The network of a bundle: as its weights were trained, at its scale, on its device."""

import logging
from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import nn

from cellseg_monai.networks import at_scale, with_dropout
from cellseg_monai.runtime.described import build, describe
from cellseg_monai.training import computes_bfloat16

logger = logging.getLogger(__name__)

_CHANNELS = ("in_channels", "out_channels")


def network_of(
    architecture: Callable[..., nn.Module],
    *,
    settings: SimpleNamespace | None = None,
    scale: float = 1.0,
    dropout: float = 0.0,
) -> nn.Module:
    """Make the network that weights were trained with; the given one if none is kept.

    Args:
        architecture: class with its arguments, as MONAI makes it from ``"_mode_": "callable"``.
        settings: settings of the weights; None for the given architecture.
        scale: size of the image that the network sees, as a fraction from 0 to 1.
        dropout: dropout rate during prediction, from which MONAI Label estimates uncertainty.

    Returns:
        The network, with its description in ``architecture``.

    Raises:
        ValueError: an argument of the architecture is not a plain value, or the kept class does not exist.

    Example:
        >>> from functools import partial
        >>> network = network_of(partial(nn.Conv2d, in_channels=1, out_channels=2, kernel_size=1), scale=0.5)
        >>> network(torch.zeros(1, 1, 8, 8)).shape, network.architecture["out_channels"]
        (torch.Size([1, 2, 8, 8]), 2)
    """
    described = describe(architecture)
    if settings is not None and settings.network_def is not None:
        kept = settings.network_def
        described = kept | {name: described[name] for name in _CHANNELS if name in described and name in kept}
    network = with_dropout(at_scale(build(described, nn.Module), scale), dropout)
    network.architecture = described  # type: ignore[assignment]
    return network


def ready_network(
    network: nn.Module, device: str | torch.device, *, scale: float = 1.0, channels_last: bool | None = None
) -> nn.Module:
    """Move a network to its device. A network that has its scale already is not scaled again.

    Args:
        network: network.
        device: device to move it to.
        scale: size of the image that the network sees, as a fraction from 0 to 1.
        channels_last: memory format in which most convolutions are faster on a GPU; None for GPUs only.

    Example:
        >>> ready_network(nn.Conv2d(1, 2, 1), "cpu", scale=0.5).scale
        0.5
    """
    if channels_last is None:
        channels_last = on_gpu(device)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    return at_scale(network, scale).to(device, memory_format=memory_format)  # type: ignore[call-overload,no-any-return]


def on_gpu(device: str | torch.device) -> bool:
    """Whether a device is a GPU, which computes in half precision.

    Example:
        >>> on_gpu("cpu")
        False
    """
    return torch.device(device).type == "cuda"


def bfloat16_on(device: str | torch.device, wanted: bool | None = None) -> bool:
    """Whether to run a network in bfloat16 because it is on a CPU; if that is chosen here, the log says so.

    Args:
        device: device of the network.
        wanted: True for bfloat16 on every CPU, False on none; None where the CPU has instructions for it.

    Example:
        >>> bfloat16_on("cuda"), bfloat16_on("cpu", wanted=False)
        (False, False)
    """
    if torch.device(device).type != "cpu" or wanted is False:
        return False
    if wanted is None and computes_bfloat16():
        logger.info(
            "the network computes in bfloat16, which this processor does faster; bfloat16_on_cpu=False "
            "computes in float32"
        )
        return True
    return bool(wanted)


def half_precision() -> torch.dtype:
    """Half precision of the GPU: bfloat16 if it has it, which overflows less easily, otherwise float16.

    Example:
        >>> half_precision().is_floating_point
        True
    """
    fits = torch.cuda.is_available() and torch.cuda.is_bf16_supported()
    return torch.bfloat16 if fits else torch.float16
