"""Cut an image into patches that cover it, and reassemble them bit for bit.

The image is padded with zeros at the end of each spatial axis. In a bundle, MONAI's ``DivisiblePadd(k=128,
method="end")`` pads in the same way and can be inverted. But it turns a uint16 array into an int32 tensor and
expects the channels first. MONAI's ``GridPatch`` pads by a whole patch on every side, returns all patches as
one tensor, and has no inverse. These functions keep the array as it is.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from monai.transforms.utils_pytorch_numpy_unification import moveaxis

Array = TypeVar("Array", bound="npt.NDArray[Any] | torch.Tensor")
Location = tuple[int, ...]
"""First pixel of a patch along each spatial axis."""
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
    wanted = list(spatial_shape)
    if len(wanted) != array.ndim - (channel_dim is not None):
        raise ValueError(
            f"an array with {array.ndim} axes and channel_dim={channel_dim} does not have {len(wanted)} "
            "spatial axes; correct one of them"
        )
    if channel_dim is not None:
        wanted.insert(channel_dim % array.ndim, 0)
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


def patch_locations(
    spatial_shape: Sequence[int], patch_size: Sizes, stride: Sizes | None = None
) -> list[Location]:
    """Return the locations of the patches that cover an image, row by row.

    Args:
        spatial_shape: shape of the image without channels.
        patch_size: side of a patch, one number or one for each axis.
        stride: step between patches; by default ``patch_size``, so that patches do not overlap.

    Returns:
        All locations; the last patches may extend beyond the image.

    Example:
        >>> patch_locations((3, 4), patch_size=2)
        [(0, 0), (0, 2), (2, 0), (2, 2)]
    """
    covered = covered_shape(spatial_shape, patch_size, stride)
    patch, step = patch_and_step(len(covered), patch_size, stride)
    return list(
        product(*(range(0, length - p + 1, s) for length, p, s in zip(covered, patch, step, strict=True)))
    )


def patch_cover(
    array: Array, patch_size: Sizes, stride: Sizes | None = None, *, channel_dim: int | None = 0
) -> Iterator[tuple[Array, Location]]:
    """Yield every patch of an image that is padded with zeros at the end; no patch is discarded.

    Args:
        array: image or label map, NumPy or torch, of any dtype.
        patch_size: side of a patch, one number or one for each spatial axis.
        stride: step between patches; by default ``patch_size``, so that patches do not overlap.
        channel_dim: axis of the channels, or None if there is none. A patch keeps all channels.

    Yields:
        A copy of each patch, and its location.

    Example:
        >>> import numpy as np
        >>> for patch, location in patch_cover(np.array([[[1, 2, 3]]]), patch_size=(1, 2)):
        ...     print(location, patch.tolist())
        (0, 0) [[[1, 2]]]
        (0, 2) [[[3, 0]]]
    """
    first = _channel_first(array, channel_dim)
    shape = first.shape[1:]
    padded = pad_end(first, covered_shape(shape, patch_size, stride))
    for location in patch_locations(shape, patch_size, stride):
        yield _restored(cut(padded, location, patch_size), channel_dim), location


def cut(array: Array, location: Location, patch_size: Sizes) -> Array:
    """Return a copy of one patch of a channel-first array, inside which it must lie.

    A view would make a data loader's worker send, and a file store, the whole image.
    """
    sizes = sizes_per_axis(patch_size, len(location), "patch_size")
    patch = array[_window(location, sizes)]
    return patch.clone() if isinstance(patch, torch.Tensor) else patch.copy()  # type: ignore[return-value]


def reassemble(
    patches: Iterable[Array],
    locations: Iterable[Sequence[int]],
    spatial_shape: Sequence[int] | None = None,
    *,
    channel_dim: int | None = 0,
) -> Array:
    """Put patches back to their locations: the inverse of :func:`patch_cover`, bit for bit.

    Where patches overlap, the later one wins.

    Args:
        patches: arrays of the same shape and dtype.
        locations: location of each patch.
        spatial_shape: shape of the image before padding, to which the result is cropped; by default the
            padded image is returned.
        channel_dim: axis of the channels, or None if there is none.

    Returns:
        The image.

    Raises:
        ValueError: there are no patches, the numbers of patches and locations differ, the patches differ in
            shape or dtype, or they leave a part of the image uncovered.

    Example:
        >>> import numpy as np
        >>> image = np.arange(15, dtype=np.uint16).reshape(1, 3, 5)
        >>> patches, locations = zip(*patch_cover(image, patch_size=2))
        >>> reassemble(patches, locations).shape
        (1, 4, 6)
        >>> np.array_equal(reassemble(patches, locations, spatial_shape=(3, 5)), image)
        True
    """
    parts = [_channel_first(patch, channel_dim) for patch in patches]
    starts = [tuple(int(start) for start in location) for location in locations]
    if not parts or len(parts) != len(starts):
        raise ValueError(f"each patch needs a location: {len(parts)} patches, {len(starts)} locations")
    kinds = {(tuple(part.shape), part.dtype) for part in parts}
    if len(kinds) > 1:
        raise ValueError(f"the patches differ in shape or dtype: {sorted(map(str, kinds))}")
    sizes = tuple(parts[0].shape[1:])
    covered = tuple(max(axis) + size for axis, size in zip(zip(*starts, strict=True), sizes, strict=True))
    whole, filled = zeros(parts[0], (len(parts[0]), *covered)), np.zeros((1, *covered), bool)
    for part, start in zip(parts, starts, strict=True):
        whole[_window(start, sizes)] = part
        filled[_window(start, sizes)] = True
    if not filled.all():
        gap = tuple(np.argwhere(~filled[0])[0].tolist())
        raise ValueError(f"no patch covers pixel {gap}; give all patches of the image")
    shape = covered if spatial_shape is None else spatial_shape
    image: Array = _restored(whole[(slice(None), *map(slice, shape))], channel_dim)
    return image


def _channel_first(array: Any, channel_dim: int | None) -> Any:
    return array[None] if channel_dim is None else moveaxis(array, channel_dim, 0)


def _restored(array: Any, channel_dim: int | None) -> Any:
    """Undo :func:`_channel_first`."""
    return array[0] if channel_dim is None else moveaxis(array, 0, channel_dim)


def _window(start: Location, sizes: Location) -> tuple[slice, ...]:
    return (slice(None), *(slice(first, first + size) for first, size in zip(start, sizes, strict=True)))


def zeros(like: npt.NDArray[Any] | torch.Tensor, shape: Sequence[int]) -> Any:
    """Return zeros with the library, dtype and device of another array."""
    return like.new_zeros(shape) if isinstance(like, torch.Tensor) else np.zeros(shape, like.dtype)
