"""What a tracked movie says of its population, as plots and a lineage tree in one HTML file."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from cellseg_monai.analysis import lineage_trees
from cellseg_monai.export.report import Line, Section, line_plot, note, page, strip_plot, table
from cellseg_monai.export.report.axes import WIDTH, line, svg, text
from cellseg_monai.outputs import write_text

_MOST_TREES = 30
_ROW = 15


def write_track_report(
    file: Path, tracks: pd.DataFrame, points: pd.DataFrame, displacements: pd.DataFrame, frames: int
) -> Path:
    """Write the report of a movie.

    Args:
        file: to write.
        tracks: as :func:`~cellseg_monai.analysis.summarize_tracks` gives them.
        points: of the tracked cells.
        displacements: as :func:`~cellseg_monai.analysis.square_displacements` gives them.
        frames: of the movie.

    Returns:
        The file.
    """
    time = "min" if "lag_min" in displacements else "frame"
    divided = int((tracks["daughters"] != "").sum())
    subtitle = (
        f"{frames} frames, {len(tracks)} tracks of {tracks['cell'].nunique()} cells, {divided} divisions"
    )
    counts = np.bincount(points["frame"].to_numpy(np.int64), minlength=frames).astype(float)
    curves = [
        line_plot([Line("cells", range(frames), counts.tolist())], "Cells in each frame", "frame", "cells"),
        _displacement(displacements, time),
    ]
    sections = [
        Section("population", "Population", "".join(curves)),
        Section("tracks", "Tracks", _distributions(tracks)),
        Section("lineage", "Lineage", _lineage(tracks, frames)),
    ]
    write_text(file, page("Tracks", subtitle, sections))
    return file


def _displacement(displacements: pd.DataFrame, time: str) -> str:
    name = next(column for column in map(str, displacements) if column.startswith("msd_"))
    lag = f"lag_{time}"
    parts = displacements.assign(sum=displacements[name] * displacements["pairs"]).groupby(lag)
    sums = parts[["sum", "pairs"]].sum()
    mean = sums["sum"] / sums["pairs"]
    curve = Line("mean", mean.index.tolist(), mean.tolist())
    return line_plot(
        [curve], "Mean square displacement", f"lag ({time})", f"MSD ({name.removeprefix('msd_')})"
    )


def _distributions(tracks: pd.DataFrame) -> str:
    """One plot a quantity; the rows are the generations."""
    groups = [(f"generation {number}", part) for number, part in tracks.groupby("generation")]
    parts = []
    for column in tracks.columns:
        if column.startswith(("speed", "directionality", "net_", "growth", "division_time", "duration")):
            values = {name: part[column].tolist() for name, part in groups if part[column].notna().any()}
            if not values:
                continue
            parts.append(f"<h3>{column}</h3>" + strip_plot(values, column))
    means = tracks.describe().loc[["mean", "std", "min", "max"]].T
    shown = [
        name for name in means.index if name not in ("label", "begin", "end", "parent", "cell", "founder")
    ]
    rows = [[name, *map(float, means.loc[name].tolist())] for name in shown]
    return "".join(parts) + table(["quantity", "mean", "std", "least", "greatest"], rows, "All tracks")


def _lineage(tracks: pd.DataFrame, frames: int) -> str:
    """Families as horizontal lines over the frames, a line a track."""
    trees = [tree for tree in lineage_trees(tracks) if tree["daughters"]]
    if not trees:
        return note("No cell divided.")
    shown = trees[:_MOST_TREES]
    body: list[str] = []
    row = 0
    for tree in shown:
        row = _draw(tree, row, max(frames - 1, 1), body)[1] + 1
    told = f"{len(shown)} of {len(trees)} families with a division or a gap; time runs to the right"
    return note(told) + svg("Lineage", told, row * _ROW + 10, "".join(body))


def _draw(tree: dict[str, object], row: int, last: int, body: list[str]) -> tuple[float, int]:
    """Draw a tree from a row down; its own height, and the next free row."""

    def across(frame: float) -> float:
        return 50 + frame / last * (WIDTH - 110)

    begin, end = float(str(tree["begin"])), float(str(tree["end"]))
    daughters = tree["daughters"]
    assert isinstance(daughters, Sequence)
    heights = []
    for daughter in daughters:
        height, row = _draw(daughter, row, last, body)
        heights.append((height, float(daughter["begin"])))
    if not heights:
        row += 1
    middle = float(np.mean([height for height, _ in heights])) if heights else row * _ROW - _ROW / 2
    body.append(line(across(begin), middle, across(end + 0.5), middle, "curve s0"))
    for height, start in heights:
        body.append(line(across(end + 0.5), middle, across(end + 0.5), height, "curve s0"))
        body.append(line(across(end + 0.5), height, across(start), height, "curve s0"))
    if not heights:
        body.append(text(across(end + 0.5) + 4, middle + 4, str(tree["label"]), kind="tick"))
    return middle, row
