"""Named axes: which part of a stored array to read, and the order of the result."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy.typing as npt

Region = tuple[tuple[int, int], tuple[int, int]]
"""Start and stop along x, then along y."""

Index = tuple[int | slice, ...]

_CHANNELS = "CSQI"  # channels, colour samples, and pages without a description


class Part(NamedTuple):
    """The part of an image file to read.

    Attributes:
        axes: one letter per dimension, where the file has no axis names or wrong ones.
        select: one index along some of the axes, for example ``{"T": 0}``.
        level: pyramid level; 0 is full resolution.
        region: start and stop along x and y, in pixels of the level.
    """

    axes: str | None = None
    select: Mapping[str, int] | None = None
    level: int = 0
    region: Region | None = None


def locate(part: Part, stored: str, shape: tuple[int, ...]) -> tuple[Index, str]:
    """Find the index of a part and the axes that remain.

    Axes of length 1 other than X, Y and channels are dropped.

    Args:
        part: part to read.
        stored: axes according to the file.
        shape: stored shape.

    Example:
        >>> locate(Part(select={"Z": 2}), "ZYX", (5, 30, 40))
        ((2, slice(None, None, None), slice(None, None, None)), 'YX')
    """
    axes = part.axes or str(stored)
    if len(axes) != len(shape) or len(set(axes)) != len(axes) or not {"X", "Y"} <= set(axes):
        raise ValueError(
            f"the axes {axes!r} do not describe the shape {tuple(shape)}; "
            "use one letter per dimension, including X and Y, for example axes='ZYX'"
        )
    planes = _planes(axes, shape, part.select or {})
    spans = region_slices(part.region, (shape[axes.index("X")], shape[axes.index("Y")]))
    index = tuple(planes.get(axis, spans.get(axis, slice(None))) for axis in axes)
    return index, "".join(axis for axis in axes if axis not in planes)


def _planes(axes: str, shape: tuple[int, ...], select: Mapping[str, int]) -> dict[str, int]:
    """The selected indices, and 0 along every other axis that has a single plane."""
    lengths = dict(zip(axes, shape, strict=True))
    for axis, index in select.items():
        if axis not in lengths:
            raise ValueError(f"cannot select along {axis}: the axes are {axes}, with shape {tuple(shape)}")
        if not 0 <= index < lengths[axis]:
            raise ValueError(f"{axis}={index} is out of range; choose 0 to {lengths[axis] - 1}")
    several = [axis for axis in axes if axis not in "XYZ" + _CHANNELS and lengths[axis] > 1]
    for axis in several:
        if axis not in select:
            what = "frames of a time-lapse" if axis == "T" else "planes"
            raise ValueError(
                f"the file has {lengths[axis]} {what} along {axis} (axes {axes}, shape {tuple(shape)}); "
                f"choose one with select={{'{axis}': 0}}"
            )
    single = {axis: 0 for axis in axes if axis not in "XY" + _CHANNELS and lengths[axis] == 1}
    return {**single, **select}


def region_slices(region: Region | None, size: tuple[int, int]) -> dict[str, slice]:
    """Return a slice along X and along Y, if there is a region; raise if it is not inside the image."""
    if region is None:
        return {}
    for axis, (start, stop), length in zip("XY", region, size, strict=True):
        if not 0 <= start < stop <= length:
            raise ValueError(
                f"the region {start}:{stop} along {axis} is not inside the image, "
                f"which has {length} pixels there; choose 0 <= start < stop <= {length}"
            )
    return {axis: slice(*span) for axis, span in zip("XY", region, strict=True)}


def checked_level(level: int, count: int) -> int:
    """Return the pyramid level; raise if the image does not have it."""
    if not 0 <= level < count:
        raise ValueError(f"there is no pyramid level {level}; choose 0 to {count - 1}")
    return level


def channels_last(pixels: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Order axes as (Z,) Y, X and merge all kinds of channels into one last axis.

    Returns:
        Reordered pixels and their axes.
    """
    order = [axis for axis in "ZYX" if axis in axes]
    channels = [axis for axis in axes if axis in _CHANNELS]
    ordered = pixels.transpose([axes.index(axis) for axis in order + channels])
    return ordered.reshape((*ordered.shape[: len(order)], -1)), "".join([*order, "C"])
