"""Whether the output of a network for a pixel depends on the size of the window around it."""

from torch import nn

_LOCAL = set(
    "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d "
    "MaxPool1d MaxPool2d MaxPool3d AvgPool1d AvgPool2d AvgPool3d "
    "Upsample PixelShuffle PixelUnshuffle ChannelShuffle "
    "ReplicationPad2d ReplicationPad3d ReflectionPad2d ReflectionPad3d ZeroPad2d ConstantPad2d ConstantPad3d "
    "ReLU ReLU6 LeakyReLU PReLU RReLU ELU SELU CELU GELU SiLU Mish Swish MemoryEfficientSwish GEGLU "
    "Hardswish Hardsigmoid Hardtanh Sigmoid Tanh Softplus Softsign Identity LocalResponseNorm "
    "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout".split()
)
_BATCH_NORMS = {"BatchNorm1d", "BatchNorm2d", "BatchNorm3d", "SyncBatchNorm"}
_CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}  # these may be empty


def window_bound(network: object) -> str | None:
    """Find a part of a network that makes its output for a pixel depend on the size of the window.

    Convolution, pooling, activation, and batch normalisation with learned statistics use a neighbourhood.
    Away from its edges, a larger window gives the same output. Group and instance normalisation use the mean
    and standard deviation of the whole window. Attention compares all pixels of the window, or has a table of
    positions. A part that is not known to be local counts as not local. Operations outside modules are not
    seen.

    Args:
        network: network in evaluation mode; scripted networks are examined too.

    Returns:
        Path and class of the first such part, or None.

    Example:
        >>> window_bound(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).eval())
        >>> window_bound(nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4)))
        '1 (GroupNorm)'
    """
    if not isinstance(network, nn.Module):
        return f"{type(network).__name__}, which cannot be examined"
    for path, module in network.named_modules():
        kind: str = getattr(
            module, "original_name", type(module).__name__
        )  # a scripted module lost its class
        if _computes(module, kind) and not _is_local(module, kind):
            return f"{path or 'the network'} ({kind})"
    return None


def _computes(module: nn.Module, kind: str) -> bool:
    """Return False for containers, unless they have their own weights, such as a table of positions."""
    if next(module.parameters(recurse=False), None) is not None:
        return True
    return next(module.children(), None) is None and kind not in _CONTAINERS


def _is_local(module: nn.Module, kind: str) -> bool:
    kinds = {kind, *(base.__name__ for base in type(module).__mro__)}
    if kinds & _BATCH_NORMS:
        return not module.training and getattr(module, "running_mean", None) is not None
    return bool(kinds & _LOCAL)
