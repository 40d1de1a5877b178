"""Each channel as a binary problem of its own: the input format of all losses of this package.

Sigmoid channels are independent already. Softmax channels compete, and the probability of one channel is the
sigmoid of its logit against all others combined::

    softmax(x)_c = sigmoid(x_c − log Σ_{k≠c} exp(x_k))

A softmax therefore only changes the logits, and the losses need to handle the sigmoid alone. Everything is
float32 from here on, also under autocast; float64 stays float64.

Target values outside 0…1 cannot raise an error: checking them would stall the device at each step. These
pixels become NaN instead, and so does the loss.
"""

import torch
from monai.data import MetaTensor
from torch import Tensor


def binary_problems(
    logits: Tensor,
    target: Tensor,
    *,
    include_background: bool = True,
    to_onehot_y: bool = False,
    softmax: bool = False,
) -> tuple[Tensor, Tensor]:
    """Convert logits and target so that each channel is an independent binary problem.

    Args:
        logits: floating-point logits of shape (batch, channels, spatial…), before any activation.
        target: target of the same shape with values 0…1, or class indices of shape (batch, 1, spatial…) with
            ``to_onehot_y``.
        include_background: whether to keep channel 0.
        to_onehot_y: whether to convert class indices to one channel per class.
        softmax: whether the channels are mutually exclusive. Otherwise they are independent.

    Returns:
        Logits and target of the same shape; the sigmoid of the logits gives the probabilities.

    Raises:
        TypeError: If the logits are not floating point.
        ValueError: If the shapes do not match, or an option needs several channels and there is one.

    Example:
        Three classes with odds 1 : 2 : 1. The probabilities are those of the softmax:

        >>> logits = torch.tensor([1.0, 2.0, 1.0]).log().reshape(1, 3, 1)
        >>> classes = torch.tensor([[[1]]])
        >>> alone, target = binary_problems(logits, classes, to_onehot_y=True, softmax=True)
        >>> alone.sigmoid().flatten(), target.flatten()
        (tensor([0.2500, 0.5000, 0.2500]), tensor([0., 1., 0.]))
    """
    logits, target = without_metadata(logits), without_metadata(target)
    if not logits.is_floating_point():
        raise TypeError(f"logits must be floating point, not {logits.dtype}; pass the raw network output")
    if logits.ndim < 3:
        raise ValueError(f"logits need shape (batch, channels, spatial…), not {tuple(logits.shape)}")
    channels = logits.shape[1]
    options = {
        "include_background=False": not include_background,
        "to_onehot_y=True": to_onehot_y,
        "softmax=True": softmax,
    }
    if channels == 1 and any(options.values()):
        chosen = " and ".join(name for name, is_set in options.items() if is_set)
        raise ValueError(f"{chosen} needs several channels, but the logits have one; omit it")
    logits = logits if logits.dtype == torch.float64 else logits.float()
    expected = (logits.shape[0], 1, *logits.shape[2:]) if to_onehot_y else logits.shape
    if target.shape != expected:
        raise ValueError(
            f"the target has shape {tuple(target.shape)}, but logits of shape {tuple(logits.shape)} need "
            f"{tuple(expected)}; set to_onehot_y=True for a target of class indices"
        )
    target = _one_hot(target, channels, logits.dtype) if to_onehot_y else target.to(logits.dtype)
    target = torch.where((target >= 0) & (target <= 1), target, torch.nan)
    if softmax:
        logits = _one_against_the_rest(logits)
    if not include_background:
        logits, target = logits[:, 1:], target[:, 1:]
    return logits, target


def without_metadata(tensor: Tensor) -> Tensor:
    """Drop the metadata of a tensor, which MONAI would track through each operation."""
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


def _one_hot(classes: Tensor, channels: int, dtype: torch.dtype) -> Tensor:
    """One channel per class; NaN where the index is not a class."""
    numbers = torch.arange(channels, device=classes.device).reshape(1, -1, *(1,) * (classes.ndim - 2))
    hot = classes == numbers
    return torch.where(hot.any(dim=1, keepdim=True), hot.to(dtype), torch.nan)


def _one_against_the_rest(logits: Tensor) -> Tensor:
    alone = []
    for channel in range(logits.shape[1]):
        rest = torch.cat([logits[:, :channel], logits[:, channel + 1 :]], dim=1)
        alone.append(logits[:, channel] - rest.logsumexp(dim=1))
    return torch.stack(alone, dim=1)
