"""The sections about scores."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from cellseg_monai.export.report import Cell, Section, note, strip_plot, table, tiles
from cellseg_monai.jobs.reporting.by_run import by_run
from cellseg_monai.jobs.reporting.comparison import summary_of
from cellseg_monai.jobs.reporting.pictures import gallery, key_to_colours, names_of_classes
from cellseg_monai.jobs.reporting.run_folder import RunFolder
from cellseg_monai.jobs.scores import summaries
from cellseg_monai.jobs.scores.columns import is_class_count, is_score
from cellseg_monai.jobs.scores.pooled import POOLED, classes_of, pooled_estimate
from cellseg_monai.metrics.summary import Estimate


def glance(runs: Sequence[RunFolder]) -> Section:
    """Return the most important figures, and warnings."""
    words = note(
        "Means over images with 95 % intervals (bootstrap, 9,999 resamples). With fewer than ten images, the "
        "intervals are too narrow. For pooled scores, the pixels of each class are counted over all images."
    )
    return Section("glance", "At a glance", by_run(runs, _figures) + words)


def _figures(run: RunFolder) -> str:
    figures = [("Images", str(len(run.table)), "")]
    for name in POOLED if classes_of(run.table) else ():
        found = pooled_estimate(run.table, name)
        figures.append((name, f"{found.value:.3f}", summaries.interval_in_words(found) + " pooled"))
    for metric in summaries.score_names(run.table)[:5]:
        if (summary := summary_of(run, metric)) is not None:
            fewer = f" of {summary.images} images" if summary.left_out else ""
            figures.append(
                (metric, f"{summary.mean.value:.3f}", summaries.interval_in_words(summary.mean) + fewer)
            )
    return tiles(figures) + _warnings(run.summary)


def _warnings(summary: Mapping[str, Sequence[str]]) -> str:
    found = []
    for key, name, words in (
        ("missing", "image", "without a prediction, scored as if nothing was found:"),
        ("without_truth", "prediction", "without a true label map of the same name, left out:"),
    ):
        if items := summary.get(key):
            number = f"{len(items)} {name}{'' if len(items) == 1 else 's'}"
            found.append(note(f"{number} {words}", warning=True, items=items))
    true, predicted = (len(summary.get(f"binary_{side}", ())) for side in ("truth", "predictions"))
    if true or predicted:
        words = (
            f"{true} true and {predicted} predicted masks are binary. They do not separate touching cells, "
            "so their object scores are empty. With --pieces, connected pieces count as objects."
        )
        found.append(note(words, warning=True))
    if summary.get("pieces"):
        found.append(note("The connected pieces of binary masks count as objects."))
    return "".join(found)


def distribution(runs: Sequence[RunFolder]) -> Section | None:
    """Return plots with a dot for each image: all scores, and the key score by run and by modality."""
    key = summaries.key_metric([run.table for run in runs])
    body = ""
    if len(runs) > 1 and key is not None:
        body += _strips({run.name: run.table for run in runs}, key, "run")
    body += by_run(runs, lambda run: _scores_of(run, key))
    words = note(
        "Each dot is an image. The bar is the median, and the box contains the middle half. Point at a dot "
        "to see its name."
    )
    return Section("distribution", "Distribution", words + body) if body else None


def _scores_of(run: RunFolder, key: str | None) -> str:
    scores = run.table
    groups = {
        name: summaries.finite(scores[name]).tolist()
        for name in summaries.score_names(scores)
        if scores[name].notna().any()
    }
    if not groups:
        return ""
    drawn = strip_plot(groups, f"Scores of each image, {run.name}", scores["image"].astype(str).tolist())
    kinds = summaries.parts_by_modality(scores)
    return drawn + (_strips(kinds, key, "modality") if key is not None and len(kinds) > 1 else "")


def _strips(tables: Mapping[str, pd.DataFrame], key: str, kind: str) -> str:
    groups = {name: summaries.finite(scores[key]).tolist() for name, scores in tables.items()}
    names = {name: scores["image"].astype(str).tolist() for name, scores in tables.items()}
    return f"<h3>{escape(key)} by {kind}</h3>" + strip_plot(groups, f"{key} of each image, by {kind}", names)


def pictures(runs: Sequence[RunFolder]) -> Section | None:
    """Return the worst, median and best images."""
    key = summaries.key_metric([run.table for run in runs])
    shown = [run.name for run in runs if run.files is not None]
    if key is None or not (shown or len(runs) == 1):
        return None
    each = 3 if len(runs) == 1 else 1
    drawn = by_run(runs, lambda run: gallery(run, key, each) if run.name in shown or each > 1 else "")
    colours = key_to_colours([run for run in runs if run.name in shown]) if shown else ""
    return Section("pictures", f"Worst, median and best by {key}", colours + drawn)


def modalities(runs: Sequence[RunFolder]) -> Section | None:
    """Return a table of means and medians by modality for each run."""
    parts = []
    for run in runs:
        metrics, found = summaries.score_names(run.table), summaries.by_modality(run.table)
        rows: list[list[Cell]] = [
            [row["modality"], row["images"], *(_mean_and_median(row, name) for name in metrics)]
            for row in found.to_dict("records")
        ]
        title = "Mean (median) by modality" + (f", {run.name}" if len(runs) > 1 else "")
        parts += [table(["modality", "images", *metrics], rows, title)] if rows else []
    return Section("modality", "By modality", "".join(parts)) if parts else None


def _mean_and_median(row: Mapping[Any, Any], metric: str) -> str | None:
    mean, median = row[f"{metric}_mean"], row[f"{metric}_median"]
    return None if np.isnan(mean) else f"{mean:.3f} ({median:.3f})"


def by_class(runs: Sequence[RunFolder]) -> Section | None:
    """Return a table of the pooled scores of each class, by its name, for each run."""
    parts = []
    for run in runs:
        found = run.summary.get("pooled") or {}
        rows: list[list[Cell]] = [
            [name, *(_in_words(found[f"{score}:{number}"]) for score in ("iou", "dice"))]
            for number, name in names_of_classes(run.summary).items()
            if f"iou:{number}" in found
        ]
        title = "Pixels of each class, counted over all images" + (f", {run.name}" if len(runs) > 1 else "")
        parts += [table(["class", "IoU", "Dice"], rows, title)] if rows else []
    return Section("classes", "By class", "".join(parts)) if parts else None


def _in_words(score: Mapping[str, Any]) -> str | None:
    known = Estimate(**{name: np.nan if number is None else number for name, number in score.items()})
    return None if score["value"] is None else summaries.in_words(known)


def images(runs: Sequence[RunFolder]) -> Section:
    """Return a table of all scores of all images for each run."""
    parts = []
    for run in runs:
        scores = run.table
        columns = [
            str(name)
            for name, values in scores.items()
            if not is_class_count(str(name))
            and (name not in ("missing", "modality") or values.fillna("").astype(bool).any())
        ]
        rows = list(zip(*(_cells(scores[name]) for name in columns), strict=True))
        filled = table(columns, rows, f"Scores of each image, {run.name}", sortable=True)
        parts.append(
            filled if len(runs) == 1 else f"<details><summary>{escape(run.name)}</summary>{filled}</details>"
        )
    return Section("images", "All images", "".join(parts))


def _cells(values: pd.Series) -> list[Cell]:
    """Return the cells of a column: counts as integers, other numbers as they are, anything else as text."""
    if is_bool_dtype(values):
        return [bool(value) for value in values]
    if not is_numeric_dtype(values):
        return list(values.fillna("").astype(str))
    whole = not is_score(str(values.name)) and bool((values.dropna() % 1 == 0).all())
    return [int(value) if whole and not np.isnan(value) else float(value) for value in values]
