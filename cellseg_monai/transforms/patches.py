"""Cut an image into patches that cover it, and reassemble them.

MONAI's ``GridPatch`` pads by a whole patch on every side, returns all patches as one tensor, and has no
inverse.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product

import torch

from cellseg_monai.transforms.padding import (
    Array,
    Sizes,
    covered_shape,
    pad_end,
    patch_and_step,
    sizes_per_axis,
    spatial_shape_of,
    with_channel,
    zeros,
)

Location = tuple[int, ...]
"""First pixel of a patch along each spatial axis."""


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
    shape = spatial_shape_of(array, channel_dim)
    padded = pad_end(array, covered_shape(shape, patch_size, stride), channel_dim)
    for location in patch_locations(shape, patch_size, stride):
        yield cut(padded, location, patch_size, channel_dim), location


def cut(array: Array, location: Location, patch_size: Sizes, channel_dim: int | None = 0) -> Array:
    """Return a copy of one patch, which must lie inside the array.

    A view would make a data loader's worker send, and a file store, the whole image.
    """
    sizes = sizes_per_axis(patch_size, len(location), "patch_size")
    patch = array[_window(location, sizes, array.ndim, channel_dim)]
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
    parts, starts = list(patches), [tuple(int(start) for start in location) for location in locations]
    _require_alike(parts, starts)
    first = parts[0]
    sizes = spatial_shape_of(first, channel_dim)
    covered = _require_no_gap(starts, sizes)
    channels = None if channel_dim is None else first.shape[channel_dim]
    whole = zeros(first, with_channel(covered, channels, first.ndim, channel_dim))
    for part, start in zip(parts, starts, strict=True):
        whole[_window(start, sizes, first.ndim, channel_dim)] = part
    shape = covered if spatial_shape is None else tuple(spatial_shape)
    image: Array = whole[_window((0,) * len(shape), shape, first.ndim, channel_dim)]
    return image


def _window(start: Location, sizes: Location, ndim: int, channel_dim: int | None) -> tuple[slice, ...]:
    spatial = [slice(first, first + size) for first, size in zip(start, sizes, strict=True)]
    return with_channel(spatial, slice(None), ndim, channel_dim)


def _require_alike(patches: list[Array], locations: list[Location]) -> None:
    if not patches or len(patches) != len(locations):
        raise ValueError(f"each patch needs a location: {len(patches)} patches, {len(locations)} locations")
    kinds = {(tuple(patch.shape), patch.dtype) for patch in patches}
    if len(kinds) > 1:
        raise ValueError(f"the patches differ in shape or dtype: {sorted(map(str, kinds))}")


def _require_no_gap(locations: list[Location], patch_size: Location) -> Location:
    """Return the shape that the patches cover, or raise if they leave a gap."""
    starts = [sorted(set(axis)) for axis in zip(*locations, strict=True)]
    missing = set(product(*starts)) - set(locations)
    if missing:
        raise ValueError(f"no patch at {min(missing)}; give all patches of the image")
    for axis, (positions, size) in enumerate(zip(starts, patch_size, strict=True)):
        ends = [0, *(position + size for position in positions)]
        gap = next((end for end, start in zip(ends, positions, strict=False) if start > end), None)
        if gap is not None:
            raise ValueError(
                f"no patch covers pixel {gap} of spatial axis {axis}; give all patches of the image"
            )
    return tuple(positions[-1] + size for positions, size in zip(starts, patch_size, strict=True))
