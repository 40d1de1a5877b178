"""Measurements of the cells of a stack, plane by plane."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage

from cellseg_monai.analysis.measure.units import PixelSize, Scale, scale_of
from cellseg_monai.label_maps import as_label_map

_Sums = dict[str, npt.NDArray[np.float64]]
_AXES = "xyz"
_STARTS, _STOPS = ("left", "top", "front"), ("right", "bottom", "back")
_JOINS: dict[str, tuple[np.ufunc, float]] = {
    "first": (np.minimum, np.inf),
    "last": (np.maximum, -np.inf),
    "largest": (np.maximum, 0.0),
}
"""How what is known of a plane joins what is known of those before it, where it is not a sum."""


def measure_stack(
    label_planes: Iterable[npt.ArrayLike],
    image_planes: Iterable[npt.NDArray[Any]] | None = None,
    *,
    pixel_size: PixelSize = None,
    channel_names: Sequence[str] = (),
) -> pd.DataFrame:
    r"""Measure every cell of a stack, with one plane in memory at a time.

    The reference of ``analysis`` lists the columns. Axes are those of the ellipsoid with the same second
    moments, $2\sqrt{5\lambda}$ with the variances $\lambda$ of the voxels along its axes.

    Args:
        label_planes: label maps of the planes, or a label map of planes, rows and columns.
        image_planes: planes of the image, with channels in front of rows and columns if it has any.
        pixel_size: micrometres, one number or along x, y and z; None if it is not known.
        channel_names: names of the channels for the columns; ``ch0``, ``ch1``, … by default.

    Returns:
        One row per cell, in ascending order of the ids.

    Raises:
        ValueError: the pixel size has no z, or label map and image differ in size.

    Example:
        >>> cells = measure_stack(np.full((2, 3, 4), 8), pixel_size=(0.5, 0.5, 2.0))
        >>> cells[["label", "volume_um3", "centroid_z_um", "planes"]].to_dict("records")
        [{'label': 8, 'volume_um3': 12.0, 'centroid_z_um': 1.0, 'planes': 2}]
    """
    scale = scale_of(pixel_size)
    if np.isnan(scale.z):
        raise ValueError(f"pixel_size must have three lengths, along x, y and z, not {pixel_size}")
    sums: _Sums = {}
    images = None if image_planes is None else iter(image_planes)
    depth, shape, names = 0, (0, 0), list(channel_names)
    for depth, plane in enumerate(label_planes, start=1):
        labels = as_label_map(plane)
        shape = labels.shape
        _add(sums, _of_plane(labels, depth - 1, scale))
        if images is not None:
            channels = _channels(next(images, None), shape)
            names = names or [f"ch{number}" for number in range(len(channels))]
            _add(sums, _intensities(labels, channels))
    if images is not None and next(images, None) is not None:
        raise ValueError(f"the image has more planes than the label map, which has {depth}")
    return _table(sums, scale, names, (shape[1], shape[0], depth))


def _of_plane(labels: npt.NDArray[np.int32], place: int, scale: Scale) -> _Sums:
    """Sums over the pixels of each id, and first and last pixels."""
    rows, columns = np.nonzero(labels)
    ids = labels[rows, columns]
    count = int(labels.max(initial=0)) + 1
    at = {"x": columns * scale.x, "y": rows * scale.y, "z": np.full(len(ids), place * scale.z)}
    pixels = np.bincount(ids, minlength=count).astype(np.float64)
    sums = {"pixels": pixels, "planes": (pixels > 0).astype(np.float64), "largest": pixels.copy()}
    for number, axis in enumerate(_AXES):
        sums[axis] = _sum(ids, at[axis], count)
        sums |= {axis + other: _sum(ids, at[axis] * at[other], count) for other in _AXES[number:]}
    for name in ("first_x", "first_y", "first_z"):
        sums[name] = np.full(count, np.inf)
    for name in ("last_x", "last_y", "last_z"):
        sums[name] = np.full(count, -np.inf)
    for number, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is not None:
            for axis, span in zip("yx", box, strict=True):
                sums[f"first_{axis}"][number], sums[f"last_{axis}"][number] = span.start, span.stop
            sums["first_z"][number], sums["last_z"][number] = place, place + 1
    return sums


def _sum(ids: npt.NDArray[Any], values: npt.NDArray[Any], count: int) -> npt.NDArray[np.float64]:
    """Sum of the values of each id."""
    return np.bincount(ids, values, count).astype(np.float64)


def _intensities(labels: npt.NDArray[np.int32], channels: npt.NDArray[Any]) -> _Sums:
    inside = labels > 0
    ids, count = labels[inside], int(labels.max(initial=0)) + 1
    found: _Sums = {}
    for number, channel in enumerate(channels):
        values = channel[inside].astype(np.float64)
        found[f"sum_{number}"] = _sum(ids, values, count)
        found[f"squares_{number}"] = _sum(ids, values**2, count)
    return found


def _channels(plane: npt.NDArray[Any] | None, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    if plane is None:
        raise ValueError("the image has fewer planes than the label map")
    channels = plane[None] if plane.ndim == 2 else plane
    if channels.shape[1:] != shape:
        raise ValueError(f"image {channels.shape[1:]} and label map {shape} differ in rows or columns")
    return channels


def _add(sums: _Sums, more: Mapping[str, npt.NDArray[np.float64]]) -> None:
    """Add what a plane has to what those before it had, which may lack the highest ids."""
    for name, new in more.items():
        join, empty = _JOINS.get(name.partition("_")[0], (np.add, 0.0))
        before = sums.get(name, np.zeros(0))
        count = max(len(new), len(before))
        parts = (np.pad(part, (0, count - len(part)), constant_values=empty) for part in (before, new))
        sums[name] = join(*parts)


def _table(sums: _Sums, scale: Scale, names: Sequence[str], sides: tuple[int, int, int]) -> pd.DataFrame:
    pixels = sums.get("pixels", np.zeros(1))
    ids = np.flatnonzero(pixels)
    of = {name: np.pad(values, (0, len(pixels) - len(values)))[ids] for name, values in sums.items()}
    size, unit = of.get("pixels", np.zeros(0)), scale.unit
    steps = dict(zip(_AXES, (scale.x, scale.y, scale.z), strict=True))
    voxel = scale.x * scale.y * scale.z
    means = {axis: of[axis] / size if len(ids) else size for axis in _AXES}
    columns: dict[str, npt.NDArray[Any]] = {"label": ids}
    columns |= {f"centroid_{axis}_px": means[axis] / steps[axis] for axis in _AXES}
    if unit == "um":
        columns |= {f"centroid_{axis}_um": means[axis] for axis in _AXES}
    edges = np.zeros(len(ids), bool)
    for axis, start, stop, length in zip(_AXES, _STARTS, _STOPS, sides, strict=True):
        first, last = (of.get(f"{end}_{axis}", size).astype(np.int64) for end in ("first", "last"))
        columns |= {f"bbox_{start}_px": first, f"bbox_{stop}_px": last}
        edges |= (first == 0) | (last == length)
    columns |= {
        "planes": of.get("planes", size).astype(np.int64),
        f"volume_{unit}3": size * voxel,
        f"diameter_{unit}": np.cbrt(6 / np.pi * size * voxel),
        f"largest_area_{unit}2": of.get("largest", size) * scale.x * scale.y,
    }
    axes = 2 * np.sqrt(5 * _variances(of, means, size, steps).clip(0))
    for place, name in enumerate(("minor", "middle", "major")):
        columns[f"{name}_axis_{unit}"] = axes[:, place]
    columns["touches_edge"] = edges
    for number, name in enumerate(names):
        total = of.get(f"sum_{number}", size)
        mean = total / size
        variance = of.get(f"squares_{number}", size) / size - mean**2
        columns |= {f"intensity_mean_{name}": mean, f"intensity_sum_{name}": total}
        columns[f"intensity_std_{name}"] = np.sqrt(variance.clip(0))
    return pd.DataFrame(columns)


def _variances(
    of: _Sums, means: Mapping[str, npt.NDArray[Any]], size: npt.NDArray[Any], steps: Mapping[str, float]
) -> npt.NDArray[np.float64]:
    """Variances along the principal axes in ascending order; a voxel is a box, and not a point."""
    matrix = np.zeros((len(size), 3, 3))
    for one, axis in enumerate(_AXES):
        for other in range(one, 3):
            names = axis + _AXES[other]
            if len(size):
                matrix[:, one, other] = of[names] / size - means[axis] * means[_AXES[other]]
            matrix[:, other, one] = matrix[:, one, other]
        matrix[:, one, one] += steps[axis] ** 2 / 12
    return np.asarray(np.linalg.eigvalsh(matrix), np.float64)
