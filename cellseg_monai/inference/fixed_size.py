"""Bring whole images to the one size that a network was trained with, and its output back to their own."""

from collections.abc import Sequence

import torch
from torch.nn import functional as F

from cellseg_monai.inference.network_output import size

_MODES = {1: "linear", 2: "bilinear", 3: "trilinear"}


def to_size(images: torch.Tensor, sides: Sequence[int] | None) -> torch.Tensor:
    """Resize images; each pixel of a smaller image is a mean over the area that it covers.

    This is MONAI's ``Resize(sides, mode="area")``, which the training applies, for a whole batch.

    Args:
        images: images of shape (images, channels, …).
        sides: pixels along each axis, in the order of the image; None for the images as they are.

    Raises:
        ValueError: there is not one number for each axis.

    Example:
        >>> to_size(torch.arange(8.0).reshape(1, 1, 2, 4), [1, 2])
        tensor([[[[2.5000, 4.5000]]]])
    """
    if sides is None:
        return images
    if len(sides) != images.ndim - 2:
        shape = size(images.shape[2:])
        raise ValueError(f"resize={list(sides)} must have one number for each axis of an image of {shape}")
    return F.interpolate(images, tuple(sides), mode="area")


def back_to_size(output: torch.Tensor, shape: Sequence[int]) -> torch.Tensor:
    """Resize the output of a network linearly to the shape of the images.

    Example:
        >>> back_to_size(torch.tensor([[[0.0, 4.0]]]), (4,))
        tensor([[[0., 1., 3., 4.]]])
    """
    if tuple(output.shape[2:]) == tuple(shape):
        return output
    return F.interpolate(output, tuple(shape), mode=_MODES[len(shape)])
