"""All that is measured of the cells of an image, as a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.analysis.measure.background import background_at
from cellseg_monai.analysis.measure.classes import kinds_of
from cellseg_monai.analysis.measure.hulls import convex_hulls
from cellseg_monai.analysis.measure.intensity import intensities, means
from cellseg_monai.analysis.measure.moments import boxes, centroids, ellipses
from cellseg_monai.analysis.measure.neighbours import local_density, nearest_cells, neighbour_table
from cellseg_monai.analysis.measure.outlines import outlines
from cellseg_monai.analysis.measure.runs import Runs, plane, runs_of
from cellseg_monai.analysis.measure.units import PixelSize, Scale, scale_of
from cellseg_monai.label_maps import LabelMap, connected_components, touching_pairs

_Columns = dict[str, npt.NDArray[Any]]


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

    The columns are listed in the reference of ``analysis``. Lengths end in ``_um`` and areas in ``_um2``
    where the pixel size is known, in ``_px`` and ``_px2`` where not; centroid and box are given in pixels in
    any case. A cell in several pieces is one row.

    Args:
        label_map: rows and columns.
        image: rows and columns, or channels in front of them.
        pixel_size: micrometres, one number or along x and along y; None if it is not known.
        channel_names: for the columns of the image's channels; ``ch0``, ``ch1``, … without.
        classes: class of each pixel, or probabilities of classes, background first, in front of rows and
            columns.
        probability: how likely each pixel belongs to a cell, rows and columns.
        quantiles: of the intensity, beside the median.
        background_window: side in pixels of the windows in which the background is looked for; None for one
            background a channel.
        neighbours: how many of the nearest cells are looked at.
        density_radius: within which cells are counted, in the unit of lengths; by default three times the
            median diameter of the cells.

    Returns:
        One row a cell, in the order of the ids.

    Raises:
        ValueError: shapes differ, or a value is not allowed.

    Example:
        >>> table = measure_cells([[0, 0, 0, 0], [0, 8, 8, 0], [0, 8, 8, 0], [0, 0, 0, 0]], pixel_size=0.5)
        >>> table[["label", "area_um2", "centroid_x_um", "solidity"]].to_dict("records")
        [{'label': 8, 'area_um2': 1.0, 'centroid_x_um': 0.75, 'solidity': 1.0}]
    """
    labels = plane(label_map)
    runs, scale = runs_of(labels), scale_of(pixel_size)
    columns: _Columns = {"label": runs.ids}
    if classes is not None:
        kinds = kinds_of(runs, labels, np.asarray(classes))
        columns |= {"class": kinds.number, "class_probability": kinds.probability}
    if probability is not None:
        columns["confidence"] = means(runs, np.asarray(probability))
    columns |= _place(runs, scale) | _shape(runs, labels, scale) | _integrity(runs, labels)
    columns |= _surroundings(runs, labels, scale, neighbours, density_radius)
    for name, channel in _channels(image, channel_names):
        columns |= _brightness(runs, labels, channel, name, quantiles, background_window)
    return pd.DataFrame(columns)


def neighbour_pairs(
    label_map: npt.ArrayLike, *, pixel_size: PixelSize = None, neighbours: int = 6
) -> pd.DataFrame:
    """Pairs of cells that touch, or of which one is among the nearest of the other.

    Args:
        label_map: rows and columns.
        pixel_size: as in :func:`measure_cells`.
        neighbours: how many of the nearest cells are looked at.

    Returns:
        ``label``, ``neighbour``, ``distance_um`` or ``distance_px`` between the centroids, and ``touching``;
        each pair twice, once from each side.

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
    return neighbour_table(labels, runs.ids, x, y, nearest_cells(x, y, neighbours), scale.unit)


def _place(runs: Runs, scale: Scale) -> _Columns:
    row, column = centroids(runs)
    box = boxes(runs)
    known = {"centroid_x_um": column * scale.x, "centroid_y_um": row * scale.y}
    return {
        "centroid_x_px": column,
        "centroid_y_px": row,
        **(known if scale.unit == "um" else {}),
        "bbox_left_px": box.left,
        "bbox_top_px": box.top,
        "bbox_right_px": box.right,
        "bbox_bottom_px": box.bottom,
    }


def _shape(runs: Runs, labels: LabelMap, scale: Scale) -> _Columns:
    pixel_size, unit = (scale.x, scale.y), scale.unit
    area = runs.area * (scale.x * scale.y)
    # Steps along x, along y and across are counted together, which is a length in square pixels only.
    steps, crossings = (
        length * (scale.x if scale.square else np.nan) for length in outlines(labels, runs.ids)
    )
    ellipse = ellipses(runs, pixel_size)
    hull = convex_hulls(runs, pixel_size)
    return {
        f"area_{unit}2": area,
        f"perimeter_{unit}": steps,
        f"perimeter_crofton_{unit}": crossings,
        f"major_axis_{unit}": ellipse.major,
        f"minor_axis_{unit}": ellipse.minor,
        "eccentricity": ellipse.eccentricity,
        "orientation_rad": ellipse.orientation,
        "solidity": runs.area / np.maximum(hull.area, 1),
        "circularity": 4 * np.pi * area / crossings**2,
        f"feret_max_{unit}": hull.greatest,
        f"feret_min_{unit}": hull.least,
    }


def _integrity(runs: Runs, labels: LabelMap) -> _Columns:
    """What tells that a cell is not seen whole, or is not one."""
    pieces = connected_components(labels)[runs.row, runs.start]
    pairs = np.unique(runs.cell << 32 | pieces)
    return {
        "pieces": np.bincount(pairs >> 32, minlength=len(runs.ids)),
        "touches_edge": boxes(runs).touches(runs.shape),
    }


def _surroundings(
    runs: Runs, labels: LabelMap, scale: Scale, neighbours: int, radius: float | None
) -> _Columns:
    row, column = centroids(runs)
    x, y = (column + 0.5) * scale.x, (row + 0.5) * scale.y
    size = runs.shape[1] * scale.x, runs.shape[0] * scale.y
    nearest = nearest_cells(x, y, neighbours)
    touching = np.bincount(runs.ids.searchsorted(touching_pairs(labels).ravel()), minlength=len(runs.ids))
    if radius is None:
        diameters = 2 * np.sqrt(runs.area * (scale.x * scale.y) / np.pi)
        radius = 3 * float(np.median(diameters)) if len(diameters) else 1.0
    known = np.isfinite(nearest.distances)
    sums = np.where(known, nearest.distances, 0).sum(axis=1)
    mean = np.full(len(x), np.nan)
    np.divide(sums, known.sum(axis=1), out=mean, where=known.any(axis=1))
    nearest_label = np.append(runs.ids, 0)[nearest.places[:, 0]]
    return {
        "touching": touching,
        "nearest_label": nearest_label,
        f"nearest_distance_{scale.unit}": nearest.distances[:, 0],
        f"neighbour_distance_{scale.unit}": mean,
        f"local_density_per_{scale.unit}2": local_density(x, y, size, radius),
    }


def _channels(image: npt.NDArray[Any] | None, names: Sequence[str]) -> list[tuple[str, npt.NDArray[Any]]]:
    """The channels of an image and what their columns are called."""
    if image is None:
        if names:
            raise ValueError(f"channel_names {list(names)} name the channels of an image, and there is none")
        return []
    channels = np.asarray(image)
    if channels.ndim not in (2, 3):
        raise ValueError(
            f"an image is rows and columns, perhaps with channels in front, this one has {channels.shape}"
        )
    channels = channels[None] if channels.ndim == 2 else channels
    called = list(names) or [f"ch{number}" for number in range(len(channels))]
    if len(called) != len(channels) or len(set(called)) < len(called):
        raise ValueError(f"{len(channels)} channels need as many different channel_names, not {called}")
    return list(zip(called, channels, strict=True))


def _brightness(
    runs: Runs,
    labels: LabelMap,
    channel: npt.NDArray[Any],
    name: str,
    quantiles: Sequence[float],
    window: int | None,
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
