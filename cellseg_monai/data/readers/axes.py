"""Named axes: which part of a stored array to read, and the order of the result."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy.typing as npt

Span = tuple[int, int]

Region = tuple[Span, ...]
"""Start and stop along x, along y, and along the planes of a stack or the frames of a movie."""

Index = tuple[int | slice, ...]

_CHANNELS = "CSQI"  # channels, colour samples, and pages without a description


class Part(NamedTuple):
    """The part of an image file to read.

    Attributes:
        axes: one letter per dimension, where the file has no axis names or wrong ones; planes need none.
        select: one index along some of the axes, for example ``{"T": 0}``.
        level: pyramid level; 0 is full resolution.
        region: start and stop along x and y, in pixels of the level, and along planes or frames.
        movie: whether the frames of a movie remain as an axis T; otherwise a frame must be selected.
    """

    axes: str | None = None
    select: Mapping[str, int] | None = None
    level: int = 0
    region: Region | None = None
    movie: bool = False

    def names(self, stored: str) -> str:
        """Names of the axes: those given, or else those of the file; a plane needs none."""
        return self.axes if self.axes and len(stored) > 2 else str(stored)


def locate(part: Part, stored: str, shape: tuple[int, ...]) -> tuple[Index, str]:
    """Find the index of a part and the axes that remain.

    Axes of length 1 other than X, Y and channels are dropped. What remains is a plane, a stack of planes
    (Z), or a movie (T), with or without channels.

    Args:
        part: part to read.
        stored: axes according to the file.
        shape: stored shape.

    Example:
        >>> locate(Part(select={"Z": 2}), "ZYX", (5, 30, 40))
        ((2, slice(None, None, None), slice(None, None, None)), 'YX')
    """
    axes = part.names(stored)
    if len(axes) != len(shape) or len(set(axes)) != len(axes) or not {"X", "Y"} <= set(axes):
        raise ValueError(
            f"the axes {axes!r} do not describe the shape {tuple(shape)}; "
            "use one letter per dimension, including X and Y, for example axes='ZYX'"
        )
    if 0 in shape:
        raise ValueError(f"the image has no pixels: its axes are {axes}, with shape {tuple(shape)}")
    planes = _planes(axes, shape, part)
    third = next((axis for axis in "ZT" if axis in axes and axis not in planes), "")
    spans = region_slices(part.region, {axis: shape[axes.index(axis)] for axis in f"XY{third}"})
    index = tuple(planes.get(axis, spans.get(axis, slice(None))) for axis in axes)
    return index, "".join(axis for axis in axes if axis not in planes)


def _planes(axes: str, shape: tuple[int, ...], part: Part) -> dict[str, int]:
    """The selected indices, and 0 along every other axis that has a single plane."""
    lengths, select = dict(zip(axes, shape, strict=True)), part.select or {}
    for axis, index in select.items():
        if axis not in lengths:
            raise ValueError(
                f"there is no axis {axis} to choose from: the axes are {axes}, with shape {tuple(shape)}; if "
                f"an axis has the wrong name, give the right ones, for example --axes {axis}YX"
            )
        if not 0 <= index < lengths[axis]:
            raise ValueError(f"{axis}={index} is out of range; choose 0 to {lengths[axis] - 1}")
    free = [axis for axis in axes if axis not in f"XY{_CHANNELS}" and axis not in select]
    several = [axis for axis in free if lengths[axis] > 1]
    for axis in several:
        if axis not in ("ZT" if part.movie else "Z"):
            what = "frames of a time-lapse" if axis == "T" else "planes"
            option = "--frame 0, or " if axis == "T" else ""
            raise ValueError(
                f"the file has {lengths[axis]} {what} along {axis} (axes {axes}, shape {tuple(shape)}); "
                f"choose one with {option}select={{'{axis}': 0}}"
            )
    if len(several) > 1:
        raise ValueError(
            f"the file has {lengths['T']} frames of {lengths['Z']} planes (axes {axes}, shape "
            f"{tuple(shape)}); "
            "choose a frame with --frame 0 or a plane with --z 0"
        )
    single = {axis: 0 for axis in axes if axis not in "XY" + _CHANNELS and lengths[axis] == 1}
    return {**single, **select}


def selected(index: Index, shape: tuple[int, ...]) -> list[int]:
    """Return the lengths of the part that an index selects.

    Example:
        >>> selected((2, slice(None), slice(3, 5)), (5, 30, 40))
        [1, 30, 2]
    """
    return [
        len(range(*at.indices(length))) if isinstance(at, slice) else 1
        for at, length in zip(index, shape, strict=True)
    ]


def region_slices(region: Region | None, lengths: Mapping[str, int]) -> dict[str, slice]:
    """Return a slice along each axis of a region; raise if it is not inside the image.

    Args:
        region: region to read; a third span counts only if there is a third axis.
        lengths: length of X, Y, and Z or T if the image has it.
    """
    spans = dict(zip(lengths, region or (), strict=False))
    for axis, (start, stop) in spans.items():
        length = lengths[axis]
        if not 0 <= start < stop <= length:
            raise ValueError(
                f"the region {start}:{stop} along {axis} is not inside the image, "
                f"which has {length} pixels there; choose 0 <= start < stop <= {length}"
            )
    return {axis: slice(*span) for axis, span in spans.items()}


def checked_level(level: int, count: int) -> int:
    """Return the pyramid level; raise if the image does not have it."""
    if not 0 <= level < count:
        raise ValueError(f"there is no pyramid level {level}; choose 0 to {count - 1}")
    return level


def channels_last(pixels: npt.NDArray[Any], axes: str) -> tuple[npt.NDArray[Any], str]:
    """Order axes as (T or Z,) Y, X and merge all kinds of channels into one last axis.

    Returns:
        Reordered pixels and their axes.
    """
    order = [axis for axis in "TZYX" if axis in axes]
    channels = [axis for axis in axes if axis in _CHANNELS]
    ordered = pixels.transpose([axes.index(axis) for axis in order + channels])
    return ordered.reshape((*ordered.shape[: len(order)], -1)), "".join([*order, "C"])
