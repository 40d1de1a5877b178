"""How tracks move, grow and divide."""

from typing import Any

import numpy as np
import pandas as pd

from cellseg_monai.analysis.measure.runs import Real, Whole
from cellseg_monai.analysis.measure.units import PixelSize, scale_of
from cellseg_monai.analysis.track.lineage import families


def summarize_tracks(
    points: pd.DataFrame,
    tracks: pd.DataFrame,
    *,
    pixel_size: PixelSize = None,
    frame_interval: float | None = None,
) -> pd.DataFrame:
    """One row a track: its family, its way, its growth.

    Args:
        points: as :func:`track_cells` gives them.
        tracks: likewise.
        pixel_size: micrometres, one number or along x and y; lengths are in pixels without.
        frame_interval: minutes from frame to frame; times are in frames without.

    Returns:
        The columns of `tracks`, and those that the reference of ``analysis`` lists.

    Raises:
        ValueError: an argument is out of its limits.

    Example:
        Three steps of 2 pixels to the right and one back:

        >>> points = pd.DataFrame({"label": 1, "frame": range(5), "x": [0, 2, 4, 6, 4], "y": 0, "area": 9})
        >>> tracks = pd.DataFrame({"label": [1], "begin": [0], "end": [4], "parent": [0]})
        >>> row = summarize_tracks(points, tracks).iloc[0]
        >>> [float(row[name]) for name in ("total_distance_px", "net_displacement_px", "directionality")]
        [8.0, 4.0, 0.5]
    """
    scale, minutes = scale_of(pixel_size), interval(frame_interval)
    time = "min" if frame_interval is not None else "frame"
    table = families(tracks)
    place = _places(points, tracks)
    x, y = points["x"].to_numpy() * scale.x, points["y"].to_numpy() * scale.y
    same = place[1:] == place[:-1]
    paths = np.where(same, np.hypot(np.diff(x), np.diff(y)), 0)
    total = (
        np.bincount(place[1:], weights=paths, minlength=len(tracks)) if len(place) else np.zeros(len(tracks))
    )
    first, last = (
        np.searchsorted(place, np.arange(len(tracks))),
        np.searchsorted(place, np.arange(len(tracks)), "right") - 1,
    )
    net = np.hypot(x[last] - x[first], y[last] - y[first])
    steps = (tracks["end"] - tracks["begin"]).to_numpy()
    lasted = np.where(steps > 0, steps * minutes, np.nan)
    table[f"duration_{time}"] = (steps + 1) * minutes
    table[f"total_distance_{scale.unit}"] = total
    table[f"net_displacement_{scale.unit}"] = net
    table[f"speed_{scale.unit}_per_{time}"] = total / lasted
    table["directionality"] = net / np.where(total > 0, total, np.nan)
    table[f"area_first_{scale.unit}2"] = points["area"].to_numpy()[first] * scale.x * scale.y
    table[f"area_last_{scale.unit}2"] = points["area"].to_numpy()[last] * scale.x * scale.y
    table[f"growth_per_{time}"] = _growth(points, place, len(tracks)) / minutes
    table[f"division_time_{time}"] = _division_times(table) * minutes
    return table


def square_displacements(
    points: pd.DataFrame,
    *,
    pixel_size: PixelSize = None,
    frame_interval: float | None = None,
    max_lag: int | None = None,
) -> pd.DataFrame:
    """Mean square displacement of each track, MSD(τ) = mean over t of |r(t + τ) − r(t)|².

    Args:
        points: as :func:`track_cells` gives them.
        pixel_size: as in :func:`summarize_tracks`.
        frame_interval: likewise.
        max_lag: greatest τ in frames; by default half of the longest track.

    Returns:
        ``label``, ``lag_frame`` or ``lag_min``, ``msd_px2`` or ``msd_um2``, and ``pairs``, how many
        there were to average.

    Example:
        >>> points = pd.DataFrame({"label": 1, "frame": range(4), "x": [0, 2, 4, 6], "y": 0, "area": 9})
        >>> square_displacements(points, max_lag=2)["msd_px2"].tolist()
        [4.0, 16.0]
    """
    scale, minutes = scale_of(pixel_size), interval(frame_interval)
    labels, place = np.unique(points["label"].to_numpy(), return_inverse=True)
    x, y = points["x"].to_numpy() * scale.x, points["y"].to_numpy() * scale.y
    longest = int(np.bincount(place).max(initial=0)) if len(place) else 0
    most = max(longest // 2, min(longest - 1, 1)) if max_lag is None else max_lag
    parts = []
    for lag in range(1, most + 1):
        same = place[lag:] == place[:-lag]
        square = (x[lag:] - x[:-lag]) ** 2 + (y[lag:] - y[:-lag]) ** 2
        pairs = np.bincount(place[lag:][same], minlength=len(labels))
        sums = np.bincount(place[lag:][same], weights=square[same], minlength=len(labels))
        known = pairs > 0
        parts.append(
            (labels[known], np.full(known.sum(), lag * minutes), sums[known] / pairs[known], pairs[known])
        )
    empty = (labels[:0], np.empty(0), np.empty(0), labels[:0])
    label, lags, msd, pairs = (np.concatenate(part) for part in zip(empty, *parts, strict=True))
    time = "min" if frame_interval is not None else "frame"
    table = pd.DataFrame({"label": label, f"lag_{time}": lags, f"msd_{scale.unit}2": msd, "pairs": pairs})
    return table.sort_values(["label", f"lag_{time}"], ignore_index=True)


def interval(frame_interval: float | None) -> float:
    """Minutes from frame to frame, or one frame."""
    if frame_interval is None:
        return 1.0
    if not 0 < frame_interval < float("inf"):
        raise ValueError(f"frame_interval is a number of minutes above 0, not {frame_interval}")
    return float(frame_interval)


def _places(points: pd.DataFrame, tracks: pd.DataFrame) -> Whole:
    """The track of each point, which must be sorted by track and frame."""
    place: Whole = np.searchsorted(tracks["label"].to_numpy(), points["label"].to_numpy())
    return place


def _growth(points: pd.DataFrame, place: Whole, count: int) -> Real:
    """Slope of the logarithm of the area over the frames, by least squares; NaN for a track of one frame."""
    frame, size = points["frame"].to_numpy(np.float64), np.log(points["area"].to_numpy(np.float64))

    def total(values: Real) -> Real:
        return np.bincount(place, weights=values, minlength=count).astype(np.float64)

    number = np.maximum(total(np.ones(len(place))), 1)
    frame = frame - (total(frame) / number)[place]
    spread = total(frame * frame)
    return total(frame * size) / np.where(spread > 0, spread, np.nan)


def _division_times(table: pd.DataFrame) -> Real:
    """Frames from the birth of a cell by division to its own division, in the row of its last track."""
    children = table["parent"].value_counts()
    divided = set(children.index[(children > 1) & (children.index != 0)].tolist())
    born: dict[int, int] = {}
    times = np.full(len(table), np.nan)
    rows: list[Any] = table[["label", "begin", "end", "parent"]].to_numpy().tolist()
    for row, (label, begin, end, parent) in enumerate(rows):
        if parent in divided:
            born[label] = begin
        elif parent in born:  # the same cell after a gap
            born[label] = born[parent]
        if label in divided and label in born:
            times[row] = end + 1 - born[label]
    return times
