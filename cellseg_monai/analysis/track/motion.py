"""How tracks move, grow and divide."""

import numpy as np
import pandas as pd

from cellseg_monai.analysis.measure.units import PixelSize, scale_of
from cellseg_monai.analysis.track.lineage import families


def summarize_tracks(
    points: pd.DataFrame,
    tracks: pd.DataFrame,
    *,
    pixel_size: PixelSize = None,
    frame_interval: float | None = None,
) -> pd.DataFrame:
    """Describe the family, motion and growth of each track.

    Args:
        points: points from :func:`track_cells`.
        tracks: tracks from :func:`track_cells`.
        pixel_size: micrometres, one number or along x and y; lengths are in pixels if it is not given.
        frame_interval: minutes between frames; times are in frames if it is not given.

    Returns:
        The columns of `tracks`, and those listed in the reference of ``analysis``.

    Raises:
        ValueError: an argument is out of range.

    Example:
        Three steps of 2 pixels to the right and one back:

        >>> points = pd.DataFrame({"label": 1, "frame": range(5), "x": [0, 2, 4, 6, 4], "y": 0, "area": 9})
        >>> tracks = pd.DataFrame({"label": [1], "begin": [0], "end": [4], "parent": [0]})
        >>> row = summarize_tracks(points, tracks).iloc[0]
        >>> [float(row[name]) for name in ("total_distance_px", "net_displacement_px", "directionality")]
        [8.0, 4.0, 0.5]
    """
    scale, (minutes, time) = scale_of(pixel_size), _interval(frame_interval)
    table = families(tracks).set_index("label", drop=False)
    by_track = points.groupby("label")
    first, last = by_track.first(), by_track.last()
    steps = by_track[["x", "y"]].diff() * [scale.x, scale.y]
    total = ((steps**2).sum(axis=1) ** 0.5).groupby(points["label"]).sum()
    net = np.hypot((last["x"] - first["x"]) * scale.x, (last["y"] - first["y"]) * scale.y)
    frames = table["end"] - table["begin"]
    table[f"duration_{time}"] = (frames + 1) * minutes
    table[f"total_distance_{scale.unit}"] = total
    table[f"net_displacement_{scale.unit}"] = net
    table[f"speed_{scale.unit}_per_{time}"] = total / (frames.where(frames > 0) * minutes)
    table["directionality"] = net / total.where(total > 0)
    table[f"area_first_{scale.unit}2"] = first["area"] * scale.x * scale.y
    table[f"area_last_{scale.unit}2"] = last["area"] * scale.x * scale.y
    table[f"growth_per_{time}"] = _growth(points) / minutes
    table[f"division_time_{time}"] = _division_times(table) * minutes
    return table.reset_index(drop=True)


def square_displacements(
    points: pd.DataFrame,
    *,
    pixel_size: PixelSize = None,
    frame_interval: float | None = None,
    max_lag: int | None = None,
) -> pd.DataFrame:
    """Mean square displacement of each track, MSD(τ) = mean over t of |r(t + τ) − r(t)|².

    Args:
        points: points from :func:`track_cells`.
        pixel_size: pixel size as in :func:`summarize_tracks`.
        frame_interval: minutes between frames as in :func:`summarize_tracks`.
        max_lag: maximum τ in frames; half of the longest track by default.

    Returns:
        Table with ``label``, ``lag_frame`` or ``lag_min``, ``msd_px2`` or ``msd_um2``, and ``pairs``, the
        number of displacements in the mean.

    Example:
        >>> points = pd.DataFrame({"label": 1, "frame": range(4), "x": [0, 2, 4, 6], "y": 0, "area": 9})
        >>> square_displacements(points, max_lag=2)["msd_px2"].tolist()
        [4.0, 16.0]
    """
    scale, (minutes, time) = scale_of(pixel_size), _interval(frame_interval)
    lag_name, msd_name = f"lag_{time}", f"msd_{scale.unit}2"
    places = points[["x", "y"]] * [scale.x, scale.y]
    by_track = places.groupby(points["label"])
    longest = int(by_track.size().max()) if len(points) else 0
    most = max(longest // 2, min(longest - 1, 1)) if max_lag is None else max_lag
    parts = [pd.DataFrame({"label": points["label"][:0], lag_name: 0.0, msd_name: 0.0, "pairs": 0})]
    for lag in range(1, most + 1):
        square = ((places - by_track.shift(lag)) ** 2).sum(axis=1, skipna=False)
        found = square.groupby(points["label"]).agg(["mean", "count"]).query("count > 0").reset_index()
        found = found.rename(columns={"mean": msd_name, "count": "pairs"})
        found.insert(1, lag_name, lag * minutes)
        parts.append(found)
    return pd.concat(parts).sort_values(["label", lag_name], ignore_index=True)


def _interval(frame_interval: float | None) -> tuple[float, str]:
    """Time between frames and its unit: minutes, or one frame."""
    if frame_interval is None:
        return 1.0, "frame"
    if not 0 < frame_interval < float("inf"):
        raise ValueError(f"frame_interval must be a positive number of minutes, not {frame_interval}")
    return float(frame_interval), "min"


def _growth(points: pd.DataFrame) -> "pd.Series[float]":
    """Slope of the logarithm of the area over time by least squares; NaN for a track of one frame."""
    frame = points["frame"] - points.groupby("label")["frame"].transform("mean")
    products = pd.DataFrame({"area": frame * np.log(points["area"].astype(float)), "frame": frame**2})
    sums = products.groupby(points["label"]).sum()
    return sums["area"] / sums["frame"].where(sums["frame"] > 0)


def _division_times(table: pd.DataFrame) -> "pd.Series[float]":
    """Frames from the birth of a cell by division to its own division, in the row of its last track."""
    born = table.loc[(table["cell"] == table["label"]) & (table["parent"] > 0), "begin"]
    return (table["end"] + 1 - table["cell"].map(born)).where(table["daughters"] != "")
