"""All measurements of the cells of an image, as a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.analysis.measure.background import background_at
from cellseg_monai.analysis.measure.classes import kinds_of
from cellseg_monai.analysis.measure.hulls import convex_hulls
from cellseg_monai.analysis.measure.intensity import intensities
from cellseg_monai.analysis.measure.moments import boxes, centroids, ellipses
from cellseg_monai.analysis.measure.neighbours import local_density, nearest_cells, neighbour_table
from cellseg_monai.analysis.measure.outlines import outlines
from cellseg_monai.analysis.measure.runs import Runs, plane, runs_of
from cellseg_monai.analysis.measure.units import PixelSize, Scale, scale_of
from cellseg_monai.label_maps import LabelMap, connected_components, touching_pairs

_Pixels = npt.NDArray[Any]
_Columns = dict[str, _Pixels]


def measure_cells(
    label_map: npt.ArrayLike,
    image: npt.NDArray[Any] | None = None,
    *,
    pixel_size: PixelSize = None,
    channel_names: Sequence[str] = (),
    classes: npt.NDArray[Any] | None = None,
    probability: npt.NDArray[Any] | None = None,
    quantiles: Sequence[float] = (0.05, 0.25, 0.75, 0.95),
    background_window: int | None = 256,
    neighbours: int = 6,
    density_radius: float | None = None,
) -> pd.DataFrame:
    """Measure every cell.

    The reference of ``analysis`` lists the columns. Lengths end in ``_um`` and areas in ``_um2`` if the pixel
    size is known, otherwise in ``_px`` and ``_px2``; centroid and bounding box are always given in pixels. A
    cell in several pieces is one row.

    Args:
        label_map: label map of one plane.
        image: image with the same rows and columns, and channels in front of them if it has any.
        pixel_size: micrometres, one number or along x and y; None if it is not known.
        channel_names: names of the channels for the columns; ``ch0``, ``ch1``, … by default.
        classes: class of each pixel, or class probabilities (classes, rows, columns) with background first.
        probability: foreground probability of each pixel, without channel axis.
        quantiles: quantiles of the intensity, in addition to the median.
        background_window: side in pixels of the windows in which the background is measured; None for one
            background per channel.
        neighbours: number of nearest cells per cell.
        density_radius: radius in which cells are counted, in the unit of lengths; three times the median
            diameter of the cells by default.

    Returns:
        One row per cell, in ascending order of the ids.

    Raises:
        ValueError: shapes differ, or a value is out of range.

    Example:
        >>> table = measure_cells([[0, 0, 0, 0], [0, 8, 8, 0], [0, 8, 8, 0], [0, 0, 0, 0]], pixel_size=0.5)
        >>> table[["label", "area_um2", "centroid_x_um", "solidity"]].to_dict("records")
        [{'label': 8, 'area_um2': 1.0, 'centroid_x_um': 0.75, 'solidity': 1.0}]
    """
    labels = plane(label_map)
    runs, scale = runs_of(labels), scale_of(pixel_size)
    columns: _Columns = {"label": runs.ids}
    if classes is not None:
        columns["class"], columns["class_probability"] = kinds_of(runs, labels, np.asarray(classes))
    if probability is not None:
        columns["confidence"] = intensities(runs, np.asarray(probability), ()).mean
    columns |= _place(runs, scale) | _shape(runs, labels, scale) | _integrity(runs, labels)
    columns |= _surroundings(runs, labels, scale, neighbours, density_radius)
    for name, channel in _channels(image, channel_names):
        columns |= _brightness(runs, labels, channel, name, quantiles, background_window)
    return pd.DataFrame(columns)


def neighbour_pairs(
    label_map: npt.ArrayLike, *, pixel_size: PixelSize = None, neighbours: int = 6
) -> pd.DataFrame:
    """Pairs of cells that touch, or where one is among the nearest cells of the other.

    Args:
        label_map: label map of one plane.
        pixel_size: pixel size as in :func:`measure_cells`.
        neighbours: number of nearest cells per cell.

    Returns:
        Table with ``label``, ``neighbour``, ``distance_um`` or ``distance_px`` between the centroids, and
        ``touching``; each pair is listed twice, once from each side.

    Example:
        >>> neighbour_pairs([[1, 2, 0, 0, 3]], neighbours=1)
           label  neighbour  distance_px  touching
        0      1          2          1.0      True
        1      2          1          1.0      True
        2      2          3          3.0     False
        3      3          2          3.0     False
    """
    labels = plane(label_map)
    runs, scale = runs_of(labels), scale_of(pixel_size)
    row, column = centroids(runs)
    x, y = column * scale.x, row * scale.y
    return neighbour_table(labels, runs.ids, x, y, nearest_cells(x, y, neighbours)[0], scale.unit)


def _place(runs: Runs, scale: Scale) -> _Columns:
    row, column = centroids(runs)
    columns: _Columns = {"centroid_x_px": column, "centroid_y_px": row}
    if scale.unit == "um":
        columns |= {"centroid_x_um": column * scale.x, "centroid_y_um": row * scale.y}
    return columns | {f"bbox_{side}_px": values for side, values in boxes(runs)._asdict().items()}


def _shape(runs: Runs, labels: LabelMap, scale: Scale) -> _Columns:
    pixel_size, unit = (scale.x, scale.y), scale.unit
    area = runs.area * (scale.x * scale.y)
    # Steps along x, y and the diagonals are counted together, which is a length only if pixels are square.
    steps, crossings = (
        length * (scale.x if scale.square else np.nan) for length in outlines(labels, runs.ids)
    )
    ellipse = ellipses(runs, pixel_size)
    hull_area, greatest, least = convex_hulls(runs, pixel_size)
    return {
        f"area_{unit}2": area,
        f"perimeter_{unit}": steps,
        f"perimeter_crofton_{unit}": crossings,
        f"major_axis_{unit}": ellipse.major,
        f"minor_axis_{unit}": ellipse.minor,
        "eccentricity": ellipse.eccentricity,
        "orientation_rad": ellipse.orientation,
        "solidity": runs.area / hull_area,
        "circularity": 4 * np.pi * area / crossings**2,
        f"feret_max_{unit}": greatest,
        f"feret_min_{unit}": least,
    }


def _integrity(runs: Runs, labels: LabelMap) -> _Columns:
    """Signs that a cell is cut off by the edge of the image, or is more than one cell."""
    (rows, columns), (left, top, right, bottom) = runs.shape, boxes(runs)
    pieces = connected_components(labels)[runs.row, runs.start]
    pairs = np.unique(runs.cell << 32 | pieces)
    return {
        "pieces": np.bincount(pairs >> 32, minlength=len(runs.ids)),
        "touches_edge": (left == 0) | (top == 0) | (right == columns) | (bottom == rows),
    }


def _surroundings(
    runs: Runs, labels: LabelMap, scale: Scale, neighbours: int, radius: float | None
) -> _Columns:
    row, column = centroids(runs)
    x, y = (column + 0.5) * scale.x, (row + 0.5) * scale.y
    size = runs.shape[1] * scale.x, runs.shape[0] * scale.y
    nearest, distances = nearest_cells(x, y, neighbours)
    touching = np.bincount(runs.ids.searchsorted(touching_pairs(labels).ravel()), minlength=len(runs.ids))
    if radius is None:
        diameters = 2 * np.sqrt(runs.area * (scale.x * scale.y) / np.pi)
        radius = 3 * float(np.median(diameters)) if len(diameters) else 1.0
    return {
        "touching": touching,
        "nearest_label": np.append(runs.ids, 0)[nearest[:, 0]],
        f"nearest_distance_{scale.unit}": distances[:, 0],
        f"neighbour_distance_{scale.unit}": pd.DataFrame(distances).mean(axis=1).to_numpy(),
        f"local_density_per_{scale.unit}2": local_density(x, y, size, radius),
    }


def _channels(image: _Pixels | None, names: Sequence[str]) -> list[tuple[str, _Pixels]]:
    """Name and pixels of each channel of an image."""
    if image is None:
        if names:
            raise ValueError(f"channel_names {list(names)} were given without an image")
        return []
    channels = np.asarray(image)
    if channels.ndim not in (2, 3):
        raise ValueError(f"image must be (rows, columns) or (channels, rows, columns), not {channels.shape}")
    channels = channels[None] if channels.ndim == 2 else channels
    called = list(names) or [f"ch{number}" for number in range(len(channels))]
    if len(called) != len(channels) or len(set(called)) < len(called):
        raise ValueError(f"channel_names must be {len(channels)} different names, not {called}")
    return list(zip(called, channels, strict=True))


def _brightness(
    runs: Runs, labels: LabelMap, channel: _Pixels, name: str, quantiles: Sequence[float], window: int | None
) -> _Columns:
    found = intensities(runs, channel, [0.5, *quantiles])
    background = background_at(labels, channel, *centroids(runs), window)
    return {
        f"intensity_mean_{name}": found.mean,
        f"intensity_median_{name}": found.quantiles[:, 0],
        f"intensity_sum_{name}": found.sum,
        f"intensity_std_{name}": found.std,
        **{
            f"intensity_q{share * 100:g}_{name}": found.quantiles[:, place]
            for place, share in enumerate(quantiles, start=1)
        },
        f"background_{name}": background,
        f"corrected_mean_{name}": found.mean - background,
        f"corrected_sum_{name}": found.sum - background * runs.area,
    }
