"""The parts of a report that tell of training, of what a network looks at, and of where it all came from."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cellseg_monai.data import read_pixels
from cellseg_monai.export.report import Cell, Line, Section, definitions, heat_picture, line_plot, note, table
from cellseg_monai.jobs.reporting.runs import Run
from cellseg_monai.metrics import summarize

_MOST_MAPS = 6


def curves(runs: Sequence[Run]) -> list[Section | None]:
    """Training curves, and learning curves of studies."""
    return [_training(runs), _learning(runs)]


def _training(runs: Sequence[Run]) -> Section | None:
    """Losses in one plot, scores in another, so that both can be read."""
    with_curves = [run for run in runs if run.curves]
    kinds: dict[str, list[Line]] = {"loss": [], "score": [], "other": []}
    for run in with_curves:
        for tag, points in run.curves.items():
            values = [value for _, value in points]
            kind = "loss" if "loss" in tag.lower() else "score" if _within_one(values) else "other"
            name = tag if len(with_curves) == 1 else f"{run.name}: {tag}"
            kinds[kind].append(Line(name, [step for step, _ in points], values))
    words = {
        "loss": ("Loss", "iteration", "loss"),
        "score": ("Scores of validation", "epoch", "score"),
        "other": ("Others", "step", "value"),
    }
    plots = []
    for kind, lines in kinds.items():
        if lines:
            title, step, value = words[kind]
            plots.append(f"<h3>{title}</h3>" + line_plot(lines, title, step, value, scores=kind == "score"))
    if not plots:
        return None
    rows: list[list[Cell]] = [
        [line.name, *_best(line, kind)] for kind, lines in kinds.items() for line in lines
    ]
    numbers = table(["curve", "values", "last", "best", "at step"], rows, "Curves in numbers")
    return Section("training", "Training", "".join(plots) + numbers)


def _within_one(values: Sequence[float]) -> bool:
    known = [value for value in values if np.isfinite(value)]
    return bool(known) and 0 <= min(known) and max(known) <= 1


def _best(line: Line, kind: str) -> tuple[int, float, float, int]:
    values = np.asarray(line.y, float)
    if not np.isfinite(values).any():
        return len(values), float("nan"), float("nan"), int(line.x[0])
    best = int(np.nanargmin(values) if kind == "loss" else np.nanargmax(values))
    return len(values), float(values[-1]), float(values[best]), int(line.x[best])


def _learning(runs: Sequence[Run]) -> Section | None:
    lines: list[Line] = []
    rows: list[list[Cell]] = []
    for run in runs:
        if run.learning is None:
            continue
        learning = run.learning
        models = (
            learning["model"].astype(str) if "model" in learning else pd.Series([run.name] * len(learning))
        )
        for model in dict.fromkeys(models):
            part = learning[models == model]
            sizes = sorted(set(part["images"].astype(int)))
            means = [
                summarize(part.loc[part["images"] == size, "score"].to_numpy(float)).mean for size in sizes
            ]
            lines.append(
                Line(
                    model,
                    sizes,
                    [m.value for m in means],
                    [_or(m.low, m.value) for m in means],
                    [_or(m.high, m.value) for m in means],
                )
            )
            rows += [
                [model, size, int((part["images"] == size).sum()), m.value, m.low, m.high]
                for size, m in zip(sizes, means, strict=True)
            ]
    if not lines:
        return None
    drawn = line_plot(lines, "Score by number of training images", "training images", "score", scores=True)
    columns = ["model", "training images", "trainings", "mean", "low", "high"]
    return Section(
        "learning", "Learning curves", drawn + table(columns, rows, "Mean over trainings with 95 % interval")
    )


def _or(value: float, other: float) -> float:
    return other if np.isnan(value) else value


def maps(runs: Sequence[Run]) -> Section | None:
    """What the gates of a network let pass, for the first few images of each run."""
    parts = []
    for run in runs:
        if len(run.attention) > _MOST_MAPS:
            parts.append(note(f"The first {_MOST_MAPS} of {len(run.attention)} images of {run.name}:"))
        for image, gates in list(run.attention.items())[:_MOST_MAPS]:
            figures = "".join(_map(image, gate, path) for gate, path in gates.items())
            parts.append(f'<h3>{escape(image)}</h3><div class="maps">{figures}</div>')
    if not parts:
        return None
    words = note("How much each attention gate lets pass: nothing is dark blue, everything is yellow.")
    return Section("attention", "Attention", words + "".join(parts))


def _map(image: str, gate: str, path: Path) -> str:
    name = escape(gate)
    picture = heat_picture(read_pixels(path).astype(float), longest=360)
    return (
        f'<figure><img src="{picture}" alt="Attention of gate {name} in {escape(image)}">'
        f"<figcaption>{name}</figcaption></figure>"
    )


def origin(runs: Sequence[Run], bundle: Mapping[str, Any] | None) -> Section:
    """Command, data, bundle, versions, machine."""
    parts = []
    for run in runs:
        record = dict(run.summary.get("provenance", {}))
        if bundle is not None:
            record.setdefault("bundle", dict(bundle))
        entries = {"folder": str(run.folder)} | _flat(record)
        state = run.folder / "training_state.pt"
        if state.is_file():
            entries["training state"] = f"{state.name}, {state.stat().st_size:,} bytes"
        heading = f"<h3>{escape(run.name)}</h3>" if len(runs) > 1 else ""
        parts.append(heading + definitions(entries))
        if not record:
            parts.append(note("The run left no record of its command, data and versions."))
    return Section("provenance", "Provenance", "".join(parts))


def _flat(record: Mapping[str, Any], above: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in record.items():
        name = f"{above} {key}".strip()
        flat |= _flat(value, name) if isinstance(value, Mapping) else {name: str(value)}
    return flat
