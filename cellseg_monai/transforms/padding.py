"""Zeros at the end of each spatial axis, until patches of one size cover the image.

In a bundle MONAI's ``DivisiblePadd(k=128, method="end")`` does the same and can be inverted. But it turns a
uint16 array into an int32 tensor and knows no channel axis but the first; these functions keep the array as
it is, so that an image can be cut and put together again bit for bit.
"""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch

Array = TypeVar("Array", bound="npt.NDArray[Any] | torch.Tensor")


def covered_shape(
    spatial_shape: Sequence[int], patch_size: Sequence[int] | int, stride: Sequence[int] | int | None = None
) -> tuple[int, ...]:
    """The smallest shape, not below the given one, that patches fill without a rest.

    Args:
        spatial_shape: shape of the image without channels.
        patch_size: side of a patch, one number or one for each axis.
        stride: step from patch to patch, at most ``patch_size``; by default ``patch_size``, and the result is
            a multiple of it.

    Returns:
        Shape of the padded image without channels.

    Raises:
        ValueError: a number is not positive, their count is not that of the axes, or the stride leaves gaps.

    Example:
        >>> covered_shape((520, 696), 128)
        (640, 768)
        >>> covered_shape((128, 256), 128)
        (128, 256)
        >>> covered_shape((520, 696), 128, stride=64)
        (576, 704)
    """
    dims = len(spatial_shape)
    patch = sizes_per_axis(patch_size, dims, "patch_size")
    step = patch if stride is None else sizes_per_axis(stride, dims, "stride")
    if any(s > p for s, p in zip(step, patch, strict=True)):
        raise ValueError(f"a stride of {step} skips pixels between patches of {patch}; make it smaller")
    return tuple(
        p + -(-max(length - p, 0) // s) * s for length, p, s in zip(spatial_shape, patch, step, strict=True)
    )


def pad_end(array: Array, spatial_shape: Sequence[int], channel_dim: int | None = 0) -> Array:
    """Append zeros to each spatial axis until it has the given length.

    Args:
        array: image or label map, NumPy or torch, of any dtype.
        spatial_shape: length of each spatial axis in the result; an axis that is longer stays as it is.
        channel_dim: axis of the channels, None if there is none.

    Returns:
        The padded array; the array itself where nothing was missing.

    Example:
        >>> pad_end(np.array([[[7, 8, 9]]]), (2, 2))
        array([[[7, 8, 9],
                [0, 0, 0]]])
    """
    wanted = with_channel(spatial_shape, 0, array.ndim, channel_dim)
    shape = tuple(max(have, want) for have, want in zip(array.shape, wanted, strict=True))
    if shape == tuple(array.shape):
        return array
    padded = zeros(array, shape)
    padded[tuple(slice(length) for length in array.shape)] = array
    result: Array = padded
    return result


def sizes_per_axis(sizes: Sequence[int] | int, dims: int, argument: str) -> tuple[int, ...]:
    """One positive number for each axis, from a number or a sequence; an error names the argument."""
    per_axis = (sizes,) * dims if isinstance(sizes, int) else tuple(sizes)
    if len(per_axis) != dims:
        raise ValueError(
            f"{argument} {per_axis} has {len(per_axis)} numbers, the image has {dims} spatial axes"
        )
    if any(size < 1 for size in per_axis):
        raise ValueError(f"{argument} must be positive, not {sizes}")
    return per_axis


def spatial_shape_of(array: Array, channel_dim: int | None) -> tuple[int, ...]:
    """The shape without the channel axis."""
    shape = list(array.shape)
    if channel_dim is not None:
        del shape[channel_dim]
    return tuple(shape)


def with_channel(
    per_axis: Sequence[Any], channel: Any, ndim: int, channel_dim: int | None
) -> tuple[Any, ...]:
    """What is given for the spatial axes, with the entry for the channel axis put in its place."""
    entries = list(per_axis)
    if len(per_axis) != ndim - (channel_dim is not None):
        raise ValueError(
            f"with channel_dim={channel_dim} an array of {ndim} axes does not have {len(per_axis)} spatial "
            "axes; correct one of them"
        )
    if channel_dim is not None:
        entries.insert(channel_dim % ndim, channel)
    return tuple(entries)


def zeros(like: npt.NDArray[Any] | torch.Tensor, shape: Sequence[int]) -> Any:
    """Zeros of the library, dtype and device of another array."""
    return like.new_zeros(shape) if isinstance(like, torch.Tensor) else np.zeros(shape, like.dtype)
