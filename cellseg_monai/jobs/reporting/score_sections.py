"""The parts of a report that tell of scores."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from cellseg_monai.export.report import Cell, Section, note, strip_plot, table, tiles
from cellseg_monai.jobs.reporting.comparison import summary_of
from cellseg_monai.jobs.reporting.pictures import gallery, key_to_colours
from cellseg_monai.jobs.reporting.runs import Run
from cellseg_monai.jobs.scores.columns import is_score
from cellseg_monai.jobs.scores.summaries import (
    NOT_METRICS,
    by_modality,
    finite,
    interval_in_words,
    key_metric,
    score_names,
)


def glance(runs: Sequence[Run]) -> Section:
    """The figures to see first, and what is missing."""
    body = []
    for run in runs:
        scores = run.table
        figures = [("Images", str(len(scores)), "")]
        for metric in score_names(scores)[:5]:
            summary = summary_of(run, metric)
            if summary is not None:
                fewer = f" of {summary.images} images" if summary.left_out else ""
                figures.append((metric, f"{summary.mean.value:.3f}", interval_in_words(summary.mean) + fewer))
        heading = f"<h3>{escape(run.name)}</h3>" if len(runs) > 1 else ""
        body.append(heading + tiles(figures) + _warnings(run))
    body.append(
        note(
            "Means over images, with 95 % intervals from 9,999 draws of as many images (bootstrap). From "
            "fewer than ten images the intervals are too narrow."
        )
    )
    return Section("glance", "At a glance", "".join(body))


def _warnings(run: Run) -> str:
    found = []
    missing = run.summary.get("missing", [])
    if missing:
        found.append(
            note(
                f"{_number(missing, 'image')} without a prediction, counted as if nothing was found there:",
                warning=True,
                items=missing,
            )
        )
    extra = run.summary.get("without_truth", [])
    if extra:
        found.append(
            note(
                f"{_number(extra, 'prediction')} without a true label map of the same name, left out:",
                warning=True,
                items=extra,
            )
        )
    true, predicted = run.summary.get("binary_truth", []), run.summary.get("binary_predictions", [])
    if true or predicted:
        found.append(
            note(
                f"{len(true)} true and {len(predicted)} predicted masks are binary. They do not tell cells "
                "apart, so scores of objects are left empty there. With --pieces, connected pieces count as "
                "objects.",
                warning=True,
            )
        )
    if run.summary.get("pieces"):
        found.append(note("The connected pieces of binary masks count as objects."))
    return "".join(found)


def distribution(runs: Sequence[Run]) -> Section | None:
    """Every image a dot, for each score; then the key score by modality."""
    body = []
    key = key_metric([run.table for run in runs])
    if len(runs) > 1 and key is not None:
        groups = {run.name: finite(run.table[key]).tolist() for run in runs}
        names = {run.name: run.table["image"].astype(str).tolist() for run in runs}
        body.append(
            f"<h3>{escape(key)} of the runs</h3>" + strip_plot(groups, f"{key} of each image, by run", names)
        )
    for run in runs:
        scores = run.table
        shown = [metric for metric in score_names(scores) if scores[metric].notna().any()]
        if not shown:
            continue
        heading = f"<h3>{escape(run.name)}</h3>" if len(runs) > 1 else ""
        groups = {metric: finite(scores[metric]).tolist() for metric in shown}
        body.append(
            heading
            + strip_plot(groups, f"Scores of each image, {run.name}", scores["image"].astype(str).tolist())
        )
        body.append(_strip_by_modality(scores, key))
    if not body:
        return None
    words = note(
        "Each dot is an image; the bar is the median, the box holds the middle half. "
        "Point at a dot for its name."
    )
    return Section("distribution", "Distribution", words + "".join(body))


def _strip_by_modality(scores: pd.DataFrame, key: str | None) -> str:
    kinds = scores["modality"].fillna("").astype(str) if "modality" in scores else pd.Series(dtype=str)
    if key is None or kinds.nunique() < 2:
        return ""
    parts = {kind or "(not named)": scores[kinds == kind] for kind in sorted(set(kinds))}
    groups = {kind: finite(part[key]).tolist() for kind, part in parts.items()}
    names = {kind: part["image"].astype(str).tolist() for kind, part in parts.items()}
    return f"<h3>{escape(key)} by modality</h3>" + strip_plot(
        groups, f"{key} of each image, by modality", names
    )


def pictures(runs: Sequence[Run]) -> Section | None:
    """Worst, median and best images."""
    key = key_metric([run.table for run in runs])
    if key is None:
        return None
    each = 3 if len(runs) == 1 else 1
    parts = [
        (f"<h3>{escape(run.name)}</h3>" if len(runs) > 1 else "") + gallery(run, key, each)
        for run in runs
        if run.files is not None or len(runs) == 1
    ]
    colours = key_to_colours() if any(run.files is not None for run in runs) else ""
    return (
        Section("pictures", f"Worst, median and best by {key}", colours + "".join(parts)) if parts else None
    )


def modalities(runs: Sequence[Run]) -> Section | None:
    """Mean and median by modality."""
    parts = []
    for run in runs:
        found = by_modality(run.table[_shown(run.table)])
        if len(found):
            metrics = [str(name).removesuffix("_mean") for name in found if str(name).endswith("_mean")]
            rows: list[list[Cell]] = [
                [row["modality"], row["images"], *(_mean_and_median(row, metric) for metric in metrics)]
                for row in found.to_dict("records")
            ]
            title = "Mean (median) by modality" + (f", {run.name}" if len(runs) > 1 else "")
            parts.append(table(["modality", "images", *metrics], rows, title))
    return Section("modality", "By modality", "".join(parts)) if parts else None


def images(runs: Sequence[Run]) -> Section:
    """All scores of all images."""
    parts = []
    for run in runs:
        scores = run.table
        columns = [name for name in scores.columns if name != "missing" or scores["missing"].any()]
        columns = [name for name in columns if name != "modality" or scores["modality"].notna().any()]
        cells = [
            [
                _cell(value, whole)
                for value, whole in zip(row, [_is_count(scores[n]) for n in columns], strict=True)
            ]
            for row in scores[columns].itertuples(index=False)
        ]
        filled = table(columns, cells, f"Scores of each image, {run.name}", sortable=True)
        parts.append(
            filled if len(runs) == 1 else f"<details><summary>{escape(run.name)}</summary>{filled}</details>"
        )
    return Section("images", "All images", "".join(parts))


def _shown(scores: pd.DataFrame) -> list[str]:
    """Columns for narrow tables: scores and what is no metric."""
    return [name for name in scores.columns if name in NOT_METRICS or is_score(str(name))]


def _is_count(values: pd.Series) -> bool:
    return (
        pd.api.types.is_numeric_dtype(values)
        and not pd.api.types.is_bool_dtype(values)
        and not is_score(str(values.name))
        and bool((values.dropna() % 1 == 0).all())
    )


def _cell(value: Any, whole: bool) -> Cell:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | int | np.number):
        return int(value) if whole and not np.isnan(value) else float(value)
    return "" if value is None or value is pd.NA else str(value)


def _mean_and_median(row: Mapping[Any, Any], metric: str) -> str | None:
    mean, median = row[f"{metric}_mean"], row[f"{metric}_median"]
    return None if np.isnan(mean) else f"{mean:.3f} ({median:.3f})"


def _number(things: Sequence[str], name: str) -> str:
    return f"{len(things)} {name}{'' if len(things) == 1 else 's'}"
