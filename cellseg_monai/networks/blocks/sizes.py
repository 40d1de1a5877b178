"""Padding, cropping and resizing, so that a network with halvings takes images of any size."""

import torch
from torch.nn import functional as F


def pad_to_multiple(image: torch.Tensor, multiple: int) -> torch.Tensor:
    """Repeat the last row and column until each side is a multiple of a number.

    Unlike zeros, repetition does not create a dark edge. Only the end of each side grows, so pixel (0, 0)
    keeps its position and :func:`crop_to` undoes the padding. The code does not branch on the size, so a
    traced or exported network works for every size.

    Args:
        image: image of shape (batch, channels, height, width), or volume with depth before height.
        multiple: 2 to the power of the number of halvings.

    Returns:
        The image, at most ``multiple - 1`` pixels longer on each side.

    Raises:
        ValueError: a side is shorter than ``multiple``, so that less than one pixel would reach the deepest
            level.

    Example:
        >>> pad_to_multiple(torch.rand(1, 3, 17, 32), 16).shape
        torch.Size([1, 3, 32, 32])
    """
    if not torch.jit.is_scripting():  # type: ignore[attr-defined]
        _require_size(image, multiple)
    padding: list[int] = []
    for axis in range(image.dim() - 1, 1, -1):
        padding += [0, (multiple - image.size(axis) % multiple) % multiple]
    return F.pad(image, padding, mode="replicate")


def _require_size(image: torch.Tensor, multiple: int) -> None:
    # the size of an example must not become part of a graph
    if torch.jit.is_tracing() or torch.compiler.is_compiling():  # type: ignore[attr-defined,no-untyped-call]
        return
    if min(image.shape[2:]) < multiple:
        raise ValueError(
            f"an image of {' x '.join(map(str, image.shape[2:]))} pixels is too small: this network needs "
            f"at least {multiple} on each side; pad the image, or build the network with fewer levels"
        )


def crop_to(padded: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Crop a map to the height and width of the image, as a view.

    Example:
        >>> crop_to(torch.rand(1, 2, 32, 32), torch.rand(1, 3, 17, 32)).shape
        torch.Size([1, 2, 17, 32])
    """
    for axis in range(2, image.dim()):
        padded = padded.narrow(axis, 0, image.size(axis))
    return padded


def resize_to(features: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Interpolate linearly to the height and width of another map.

    Pixels count as areas, and corners are not aligned, so a map does not shift with the size of the image.

    Example:
        >>> resize_to(torch.tensor([[[[0.0, 1.0]]]]), torch.zeros(1, 1, 1, 4))
        tensor([[[[0.0000, 0.2500, 0.7500, 1.0000]]]])
    """
    mode = "bilinear" if features.dim() == 4 else "trilinear"
    return F.interpolate(features, size=target.shape[2:], mode=mode, align_corners=False)


def doubling(spatial_dims: int) -> torch.nn.Upsample:
    """Return a layer that doubles the size linearly, with pixels as areas and without parameters.

    Example:
        >>> doubling(2)(torch.rand(1, 3, 8, 6)).shape
        torch.Size([1, 3, 16, 12])
    """
    mode = "bilinear" if spatial_dims == 2 else "trilinear"
    return torch.nn.Upsample(scale_factor=2.0, mode=mode, align_corners=False)
