"""Whether a network's answer for a pixel depends on where a distant window ends."""

from monai.networks.blocks.activation import GEGLU, MemoryEfficientSwish, Mish, Swish
from torch import nn

_LOCAL = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(
        nn.Upsample,
        nn.PixelShuffle,
        nn.PixelUnshuffle,
        nn.ChannelShuffle,
        nn.ReplicationPad2d,
        nn.ReplicationPad3d,
    ),
    *(nn.ReflectionPad2d, nn.ReflectionPad3d, nn.ZeroPad2d, nn.ConstantPad2d, nn.ConstantPad3d),
    *(
        nn.ReLU,
        nn.ReLU6,
        nn.LeakyReLU,
        nn.PReLU,
        nn.RReLU,
        nn.ELU,
        nn.SELU,
        nn.CELU,
        nn.GELU,
        nn.SiLU,
        nn.Mish,
    ),
    *(nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Sigmoid, nn.Tanh, nn.Softplus, nn.Softsign, nn.Identity),
    *(nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout),
    *(nn.LocalResponseNorm, Swish, MemoryEfficientSwish, Mish, GEGLU),
)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
_CONTAINERS = {"Sequential", "ModuleList", "ModuleDict"}  # these may be empty
_LOCAL_NAMES = {kind.__name__ for kind in _LOCAL}
_BATCH_NORM_NAMES = {kind.__name__ for kind in _BATCH_NORMS}


def window_bound(network: object) -> str | None:
    """Find a part of a network that makes its answer for a pixel depend on the size of the window.

    Convolution, pooling, activation, and batch normalisation by learned statistics look at a neighbourhood:
    away from its edges, a larger window changes nothing. Group and instance normalisation take mean and
    deviation of the whole window; attention compares all its pixels, or has a table of positions. What is not
    known to be local is taken not to be. What a network does outside of modules is not seen.

    Args:
        network: in evaluation mode; a scripted one is looked into as well.

    Returns:
        Path and kind of the first such part, or None.

    Example:
        >>> window_bound(nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)).eval())
        >>> window_bound(nn.Sequential(nn.Conv2d(1, 4, 3), nn.GroupNorm(2, 4)))
        '1 (GroupNorm)'
    """
    if not isinstance(network, nn.Module):
        return f"{type(network).__name__}, which cannot be looked into"
    for path, module in network.named_modules():
        if _computes(module) and not _is_local(module):
            return f"{path or 'the network'} ({_kind(module)})"
    return None


def _computes(module: nn.Module) -> bool:
    """Containers only hand on, unless they have weights of their own, such as a table of positions."""
    if next(module.parameters(recurse=False), None) is not None:
        return True
    return next(module.children(), None) is None and _kind(module) not in _CONTAINERS


def _is_local(module: nn.Module) -> bool:
    if isinstance(module, _BATCH_NORMS) or _kind(module) in _BATCH_NORM_NAMES:
        return not module.training and getattr(module, "running_mean", None) is not None
    return isinstance(module, _LOCAL) or _kind(module) in _LOCAL_NAMES


def _kind(module: nn.Module) -> str:
    """The class, also of a scripted module, which has lost it."""
    name: str = getattr(module, "original_name", type(module).__name__)
    return name
