"""HTML report of a tracked movie: plots of the population and its tracks, and lineage trees."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellseg_monai.analysis import lineage_trees
from cellseg_monai.export.report import Line, Section, line_plot, note, page, strip_plot, table
from cellseg_monai.export.report.axes import WIDTH, line, svg, text
from cellseg_monai.outputs import write_text

_MOST_TREES = 30
_ROW = 15
_PLOTTED = ("speed", "directionality", "net_", "growth", "division_time", "duration")
_NOT_DESCRIBED = {"label", "begin", "end", "parent", "cell", "founder"}


def write_track_report(
    file: Path, tracks: pd.DataFrame, points: pd.DataFrame, displacements: pd.DataFrame, frames: int
) -> None:
    """Write the report of a movie.

    Args:
        file: HTML file to write.
        tracks: table of tracks from :func:`~cellseg_monai.analysis.summarize_tracks`.
        points: table of points from :func:`~cellseg_monai.analysis.track_cells`.
        displacements: table from :func:`~cellseg_monai.analysis.square_displacements`.
        frames: number of frames.
    """
    divided = int((tracks["daughters"] != "").sum())
    subtitle = (
        f"{frames} frames, {len(tracks)} tracks of {tracks['cell'].nunique()} cells, {divided} divisions"
    )
    counts = np.bincount(points["frame"].to_numpy(np.int64), minlength=frames).tolist()
    population = line_plot([Line("cells", range(frames), counts)], "Cells in each frame", "frame", "cells")
    sections = [
        Section("population", "Population", population + _displacement(displacements)),
        Section("tracks", "Tracks", _distributions(tracks)),
        Section("lineage", "Lineage", _lineage(tracks, frames)),
    ]
    write_text(file, page("Tracks", subtitle, sections))


def _displacement(displacements: pd.DataFrame) -> str:
    """Mean square displacement over all tracks, weighted by their numbers of pairs."""
    _, lag, name, _ = map(str, displacements)
    sums = displacements.assign(sum=displacements[name] * displacements["pairs"]).groupby(lag).sum()
    curve = Line("mean", sums.index.tolist(), (sums["sum"] / sums["pairs"]).tolist())
    axes = f"lag ({lag.removeprefix('lag_')})", f"MSD ({name.removeprefix('msd_')})"
    return line_plot([curve], "Mean square displacement", *axes)


def _distributions(tracks: pd.DataFrame) -> str:
    """Plots of the quantities by generation, and a table of all tracks."""
    parts = []
    for column in (name for name in map(str, tracks) if name.startswith(_PLOTTED)):
        known = tracks.dropna(subset=column).groupby("generation")[column]
        groups = {f"generation {number}": part.tolist() for number, part in known}
        if groups:
            parts.append(f"<h3>{column}</h3>" + strip_plot(groups, column))
    means = tracks.describe().loc[["mean", "std", "min", "max"]].drop(columns=_NOT_DESCRIBED)
    rows: list[list[str | float]] = [[str(name), *map(float, values)] for name, values in means.items()]
    return "".join(parts) + table(["quantity", "mean", "std", "least", "greatest"], rows, "All tracks")


def _lineage(tracks: pd.DataFrame, frames: int) -> str:
    """Families as horizontal lines over the frames, one line per track."""
    trees = [tree for tree in lineage_trees(tracks) if tree["daughters"]]
    if not trees:
        return note("No cell divided.")
    shown = trees[:_MOST_TREES]
    body: list[str] = []
    row = 0
    for tree in shown:
        row = _draw(tree, row, max(frames - 1, 1), body)[1] + 1
    caption = f"{len(shown)} of {len(trees)} families with a division or a gap; time runs to the right"
    return note(caption) + svg("Lineage", caption, row * _ROW + 10, "".join(body))


def _draw(tree: dict[str, Any], row: int, last: int, body: list[str]) -> tuple[float, int]:
    """Draw a tree from a row downwards; return its height and the next free row."""

    def across(frame: float) -> float:
        return 50 + frame / last * (WIDTH - 110)

    stop = across(tree["end"] + 0.5)
    heights = []
    for daughter in tree["daughters"]:
        height, row = _draw(daughter, row, last, body)
        body.append(line(stop, height, across(daughter["begin"]), height, "curve s0"))
        heights.append(height)
    if not heights:
        row += 1
    middle = float(np.mean(heights)) if heights else row * _ROW - _ROW / 2
    body.append(line(across(tree["begin"]), middle, stop, middle, "curve s0"))
    body += [line(stop, middle, stop, height, "curve s0") for height in heights]
    if not heights:
        body.append(text(stop + 4, middle + 4, str(tree["label"]), kind="tick"))
    return middle, row
