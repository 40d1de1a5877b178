"""Every channel as a yes-or-no question: the form in which all losses of this package take their input.

Sigmoid channels are independent questions already. Softmax channels compete, and the probability of one of
them is the sigmoid of its logit against all the others together::

    softmax(x)_c = sigmoid(x_c − log Σ_{k≠c} exp(x_k))

So softmax is a change of the logits, and what follows needs to know of sigmoid alone. Everything is float32
from here on, also under autocast; float64 stays float64.

A target that is not 0…1 cannot be refused: reading its values would make the device wait at each step. Its
pixels become NaN instead, and with them the loss.
"""

import torch
from monai.data import MetaTensor
from torch import Tensor


def binary_problems(
    logits: Tensor,
    target: Tensor,
    include_background: bool = True,
    to_onehot_y: bool = False,
    softmax: bool = False,
) -> tuple[Tensor, Tensor]:
    """Logits and targets of which each channel stands alone.

    Args:
        logits: shape (batch, channels, spatial…), floating point, before any activation.
        target: the same shape with values 0…1; for ``to_onehot_y`` class numbers, (batch, 1, spatial…).
        include_background: keep channel 0.
        to_onehot_y: turn class numbers into one channel per class.
        softmax: the channels exclude each other; else they are independent.

    Returns:
        Logits and target of the same shape; the sigmoid of the logits are the probabilities.

    Raises:
        TypeError: the logits are not floating point.
        ValueError: the shapes do not fit each other, or an argument needs several channels and there is one.

    Example:
        Three classes with the odds 1 : 2 : 1. Each probability is that of the softmax:

        >>> logits = torch.tensor([1.0, 2.0, 1.0]).log().reshape(1, 3, 1)
        >>> classes = torch.tensor([[[1]]])
        >>> alone, target = binary_problems(logits, classes, to_onehot_y=True, softmax=True)
        >>> alone.sigmoid().flatten(), target.flatten()
        (tensor([0.2500, 0.5000, 0.2500]), tensor([0., 1., 0.]))
    """
    logits, target = _plain(logits), _plain(target)
    if not logits.is_floating_point():
        raise TypeError(f"logits are floating point, these are {logits.dtype}; pass the network's raw output")
    if logits.ndim < 3:
        raise ValueError(
            f"logits are (batch, channels, spatial…), these have the shape {tuple(logits.shape)}"
        )
    channels = logits.shape[1]
    if channels == 1:
        _require_no_multichannel_option(include_background, to_onehot_y, softmax)
    logits = logits if logits.dtype == torch.float64 else logits.float()
    expected = (logits.shape[0], 1, *logits.shape[2:]) if to_onehot_y else logits.shape
    if target.shape != expected:
        raise ValueError(
            f"the target has the shape {tuple(target.shape)}, logits of {tuple(logits.shape)} need "
            f"{tuple(expected)}; set to_onehot_y=True for a target of class numbers"
        )
    target = _one_hot(target, channels, logits.dtype) if to_onehot_y else target.to(logits.dtype)
    target = torch.where((target >= 0) & (target <= 1), target, torch.nan)
    if softmax:
        logits = _one_against_the_rest(logits)
    if not include_background:
        logits, target = logits[:, 1:], target[:, 1:]
    return logits, target


def _plain(tensor: Tensor) -> Tensor:
    """Without metadata, whose bookkeeping would follow each operation."""
    return tensor.as_tensor() if isinstance(tensor, MetaTensor) else tensor


def _require_no_multichannel_option(include_background: bool, to_onehot_y: bool, softmax: bool) -> None:
    options = {
        "include_background=False": not include_background,
        "to_onehot_y=True": to_onehot_y,
        "softmax=True": softmax,
    }
    chosen = [option for option, is_chosen in options.items() if is_chosen]
    if chosen:
        raise ValueError(f"{' and '.join(chosen)} needs several channels, the logits have one; leave it out")


def _one_hot(classes: Tensor, channels: int, dtype: torch.dtype) -> Tensor:
    """One channel per class; NaN where the number is none of them."""
    numbers = torch.arange(channels, device=classes.device).reshape(1, -1, *(1,) * (classes.ndim - 2))
    hot = classes == numbers
    return torch.where(hot.any(dim=1, keepdim=True), hot.to(dtype), torch.nan)


def _one_against_the_rest(logits: Tensor) -> Tensor:
    alone = []
    for channel in range(logits.shape[1]):
        rest = torch.cat([logits[:, :channel], logits[:, channel + 1 :]], dim=1)
        alone.append(logits[:, channel] - rest.logsumexp(dim=1))
    return torch.stack(alone, dim=1)
