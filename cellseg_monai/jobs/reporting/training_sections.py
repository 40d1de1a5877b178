"""The sections about training curves, learning curves, attention maps and provenance."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from cellseg_monai.data import read_pixels
from cellseg_monai.export.report import Cell, Line, Section, definitions, heat_picture, line_plot, note, table
from cellseg_monai.jobs.reporting.by_run import by_run
from cellseg_monai.jobs.reporting.run_folder import RunFolder
from cellseg_monai.metrics import Estimate, summarize

_MOST_MAPS = 6
_PLOTS = {
    "loss": ("Loss", "iteration", "loss"),
    "score": ("Validation scores", "epoch", "score"),
    "other": ("Other curves", "step", "value"),
}
"""Title and axes of each kind of training curve."""


def training(runs: Sequence[RunFolder]) -> Section | None:
    """Return the training curves; losses and scores have a plot of their own, so that both are readable."""
    with_curves = [run for run in runs if run.curves]
    kinds: dict[str, list[Line]] = {kind: [] for kind in _PLOTS}
    for run in with_curves:
        for tag, points in run.curves.items():
            steps, values = zip(*points, strict=True)
            name = tag if len(with_curves) == 1 else f"{run.name}: {tag}"
            kinds["loss" if "loss" in tag.lower() else _kind(values)].append(Line(name, steps, values))
    plots = [
        f"<h3>{_PLOTS[kind][0]}</h3>" + line_plot(lines, *_PLOTS[kind], scores=kind == "score")
        for kind, lines in kinds.items()
        if lines
    ]
    rows = [_best(line, kind) for kind, lines in kinds.items() for line in lines]
    listed = table(["curve", "values", "last", "best", "at step"], rows, "Values of the curves")
    return Section("training", "Training", "".join(plots) + listed) if plots else None


def _kind(values: Sequence[float]) -> str:
    known = [value for value in values if np.isfinite(value)]
    return "score" if known and 0 <= min(known) and max(known) <= 1 else "other"


def _best(line: Line, kind: str) -> list[Cell]:
    values = np.asarray(line.y, float)
    if not np.isfinite(values).any():
        return [line.name, len(values), float("nan"), float("nan"), int(line.x[0])]
    best = int(np.nanargmin(values) if kind == "loss" else np.nanargmax(values))
    return [line.name, len(values), float(values[-1]), float(values[best]), int(line.x[best])]


def learning(runs: Sequence[RunFolder]) -> Section | None:
    """Return the learning curves of studies: scores against the number of training images."""
    lines: list[Line] = []
    rows: list[list[Cell]] = []
    for run in runs:
        if run.learning is None:
            continue
        named = run.learning if "model" in run.learning else run.learning.assign(model=run.name)
        for model, part in named.groupby("model", sort=False, dropna=False):
            scores = {int(group["images"].iloc[0]): group["score"] for _, group in part.groupby("images")}
            means = [summarize(values.to_numpy(float)).mean for values in scores.values()]
            lines.append(Line(str(model), list(scores), *zip(*map(_with_band, means), strict=True)))
            rows += [
                [str(model), size, len(values), *mean]
                for (size, values), mean in zip(scores.items(), means, strict=True)
            ]
    if not lines:
        return None
    drawn = line_plot(lines, "Score by number of training images", "training images", "score", scores=True)
    columns = ["model", "training images", "trainings", "mean", "low", "high"]
    means_table = table(columns, rows, "Mean over trainings with 95 % interval")
    return Section("learning", "Learning curves", drawn + means_table)


def _with_band(mean: Estimate) -> tuple[float, float, float]:
    """Return the value and its interval, which is empty if it is unknown."""
    return mean if np.isfinite(mean.low) else (mean.value, mean.value, mean.value)


def maps(runs: Sequence[RunFolder]) -> Section | None:
    """Return the attention maps of the first few images of each run."""
    parts = []
    for run in runs:
        if len(run.attention) > _MOST_MAPS:
            parts.append(note(f"The first {_MOST_MAPS} of {len(run.attention)} images of {run.name}:"))
        for image, gates in list(run.attention.items())[:_MOST_MAPS]:
            figures = ""
            for gate, path in gates.items():
                picture = heat_picture(read_pixels(path).astype(float), longest=360)
                figures += (
                    f'<figure><img src="{picture}" alt="Attention of gate {escape(gate)} in {escape(image)}">'
                    f"<figcaption>{escape(gate)}</figcaption></figure>"
                )
            parts.append(f'<h3>{escape(image)}</h3><div class="maps">{figures}</div>')
    words = note("Weight of each pixel in the attention gates, from 0 (dark blue) to 1 (yellow).")
    return Section("attention", "Attention", words + "".join(parts)) if parts else None


def origin(runs: Sequence[RunFolder], bundle: Mapping[str, Any] | None) -> Section:
    """Return the provenance: command, data, bundle, versions, machine.

    Args:
        runs: runs of the report.
        bundle: description of the bundle, for runs that do not name theirs.
    """

    def draw(run: RunFolder) -> str:
        record = dict(run.summary.get("provenance", {}))
        if bundle is not None:
            record.setdefault("bundle", bundle)
        entries = {"folder": str(run.folder)} | _flat(record)
        state = run.folder / "training_state.pt"
        if state.is_file():
            entries["training state"] = f"{state.name}, {state.stat().st_size:,} bytes"
        missing = "" if record else note("Command, data and versions of this run are not recorded.")
        return definitions(entries) + missing

    return Section("provenance", "Provenance", by_run(runs, draw))


def _flat(record: Mapping[str, Any], above: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in record.items():
        name = f"{above} {key}".strip()
        flat |= _flat(value, name) if isinstance(value, Mapping) else {name: str(value)}
    return flat
