"""Zero padding at the end of each spatial axis, so that patches of one size cover the image.

In a bundle, MONAI's ``DivisiblePadd(k=128, method="end")`` does the same and can be inverted. But it turns a
uint16 array into an int32 tensor and expects the channels first. These functions keep the array as it is, so
an image can be cut and reassembled bit for bit.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

Array = TypeVar("Array", bound="npt.NDArray[Any] | torch.Tensor")
Sizes = Sequence[int] | int
"""One number for all spatial axes, or one for each."""


def covered_shape(
    spatial_shape: Sequence[int], patch_size: Sizes, stride: Sizes | None = None
) -> tuple[int, ...]:
    """Return the smallest shape, not below the given one, that patches cover exactly.

    Args:
        spatial_shape: shape of the image without channels.
        patch_size: side of a patch, one number or one for each axis.
        stride: step between patches, at most ``patch_size``; by default ``patch_size``, and the result is a
            multiple of it.

    Returns:
        Shape of the padded image without channels.

    Raises:
        ValueError: a number is not positive, there is not one for each axis, or the stride leaves gaps.

    Example:
        >>> covered_shape((520, 696), 128)
        (640, 768)
        >>> covered_shape((128, 256), 128)
        (128, 256)
        >>> covered_shape((520, 696), 128, stride=64)
        (576, 704)
    """
    patch, step = patch_and_step(len(spatial_shape), patch_size, stride)
    return tuple(
        p + -(-max(length - p, 0) // s) * s for length, p, s in zip(spatial_shape, patch, step, strict=True)
    )


def patch_and_step(
    dims: int, patch_size: Sizes, stride: Sizes | None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the side of a patch and the step between patches along each axis.

    Example:
        >>> patch_and_step(2, 8, None)
        ((8, 8), (8, 8))
    """
    patch = sizes_per_axis(patch_size, dims, "patch_size")
    step = patch if stride is None else sizes_per_axis(stride, dims, "stride")
    if any(s > p for s, p in zip(step, patch, strict=True)):
        raise ValueError(f"a stride of {step} skips pixels between patches of {patch}; make it smaller")
    return patch, step


def pad_end(array: Array, spatial_shape: Sequence[int], channel_dim: int | None = 0) -> Array:
    """Append zeros to each spatial axis until it has the given length.

    Args:
        array: image or label map, NumPy or torch, of any dtype.
        spatial_shape: length of each spatial axis in the result; a longer axis stays as it is.
        channel_dim: axis of the channels, or None if there is none.

    Returns:
        The padded array, or the array itself if it needs no padding.

    Example:
        >>> pad_end(np.array([[[7, 8, 9]]]), (2, 2))
        array([[[7, 8, 9],
                [0, 0, 0]]])
    """
    wanted = with_channel(spatial_shape, 0, array.ndim, channel_dim)
    shape = tuple(map(max, array.shape, wanted))
    if shape == tuple(array.shape):
        return array
    padded = zeros(array, shape)
    padded[tuple(map(slice, array.shape))] = array
    result: Array = padded
    return result


def sizes_per_axis(sizes: Sizes, dims: int, argument: str) -> tuple[int, ...]:
    """Return one positive number for each axis; error messages name the argument."""
    per_axis = (sizes,) * dims if isinstance(sizes, int) else tuple(sizes)
    if len(per_axis) != dims:
        raise ValueError(
            f"{argument} {per_axis} has {len(per_axis)} numbers, but the image has {dims} spatial axes"
        )
    if any(size < 1 for size in per_axis):
        raise ValueError(f"{argument} must be positive, not {sizes}")
    return per_axis


def spatial_shape_of(array: Array, channel_dim: int | None) -> tuple[int, ...]:
    """Return the shape without the channel axis."""
    shape = list(array.shape)
    if channel_dim is not None:
        del shape[channel_dim]
    return tuple(shape)


def with_channel(
    per_axis: Sequence[Any], channel: Any, ndim: int, channel_dim: int | None
) -> tuple[Any, ...]:
    """Insert the entry for the channel axis among the entries for the spatial axes."""
    entries = list(per_axis)
    if len(per_axis) != ndim - (channel_dim is not None):
        raise ValueError(
            f"an array with {ndim} axes and channel_dim={channel_dim} does not have {len(per_axis)} spatial "
            "axes; correct one of them"
        )
    if channel_dim is not None:
        entries.insert(channel_dim % ndim, channel)
    return tuple(entries)


def zeros(like: npt.NDArray[Any] | torch.Tensor, shape: Sequence[int]) -> Any:
    """Return zeros with the library, dtype and device of another array."""
    return like.new_zeros(shape) if isinstance(like, torch.Tensor) else np.zeros(shape, like.dtype)
