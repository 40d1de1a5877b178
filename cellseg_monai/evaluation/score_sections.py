"""The parts of a report that tell of scores."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cellseg_monai.evaluation.columns import columns_of
from cellseg_monai.evaluation.comparison import against_first, summary_of
from cellseg_monai.evaluation.pictures import gallery
from cellseg_monai.evaluation.runs import Run
from cellseg_monai.evaluation.summaries import NOT_METRICS, by_modality, finite, key_metric, metrics_of
from cellseg_monai.export.report import Interval, Section, interval_plot, note, strip_plot, table, tiles
from cellseg_monai.export.report.html import Cell
from cellseg_monai.metrics import Estimate


def glance(runs: Sequence[Run]) -> Section:
    """The figures to see first, and what is missing."""
    body = []
    for run in runs:
        scores = _scores(run)
        figures = [("Images", str(len(scores)), "")]
        for metric in _score_names(scores)[:5]:
            summary = summary_of(run, metric)
            if summary is not None:
                figures.append((metric, f"{summary.mean.value:.3f}", _interval(summary.mean)))
        heading = f"<h3>{_escaped(run.name)}</h3>" if len(runs) > 1 else ""
        body.append(heading + tiles(figures) + _warnings(run))
    body.append(
        note(
            "Means over images, with 95 % intervals from 9,999 draws of as many images (bootstrap). From fewer than ten "
            "images the intervals are too narrow."
        )
    )
    return Section("glance", "At a glance", "".join(body))


def _warnings(run: Run) -> str:
    found = []
    missing = run.summary.get("missing", [])
    if missing:
        found.append(
            note(
                f"{len(missing)} images have no prediction. They count as if nothing was found:",
                warning=True,
                items=missing,
            )
        )
    extra = run.summary.get("without_truth", [])
    if extra:
        found.append(
            note(
                f"{len(extra)} predictions belong to no true label map and are left out:",
                warning=True,
                items=extra,
            )
        )
    true, predicted = run.summary.get("binary_truth", []), run.summary.get("binary_predictions", [])
    if true or predicted:
        found.append(
            note(
                f"{len(true)} true and {len(predicted)} predicted masks are binary. They do not tell cells apart, so "
                "scores of objects are left empty there. With --pieces, connected pieces count as objects.",
                warning=True,
            )
        )
    if run.summary.get("pieces"):
        found.append(note("The connected pieces of binary masks count as objects."))
    return "".join(found)


def distribution(runs: Sequence[Run]) -> Section | None:
    """Every image a dot, for each score; then the key score by modality."""
    body = []
    key = key_metric([_scores(run) for run in runs])
    if len(runs) > 1 and key is not None:
        groups = {run.name: finite(_scores(run)[key]).tolist() for run in runs}
        names = {run.name: _scores(run)["image"].astype(str).tolist() for run in runs}
        body.append(
            f"<h3>{_escaped(key)} of the runs</h3>"
            + strip_plot(groups, f"{key} of each image, by run", names)
        )
    for run in runs:
        scores = _scores(run)
        shown = [metric for metric in _score_names(scores) if scores[metric].notna().any()]
        if not shown:
            continue
        heading = f"<h3>{_escaped(run.name)}</h3>" if len(runs) > 1 else ""
        groups = {metric: finite(scores[metric]).tolist() for metric in shown}
        body.append(
            heading
            + strip_plot(groups, f"Scores of each image, {run.name}", scores["image"].astype(str).tolist())
        )
        body.append(_strip_by_modality(scores, key))
    if not body:
        return None
    words = note(
        "Each dot is an image; the bar is the median, the box holds the middle half. Point at a dot for its name."
    )
    return Section("distribution", "Distribution", words + "".join(body))


def _strip_by_modality(scores: pd.DataFrame, key: str | None) -> str:
    kinds = scores["modality"].fillna("").astype(str) if "modality" in scores else pd.Series(dtype=str)
    if key is None or kinds.nunique() < 2:
        return ""
    parts = {kind or "(not named)": scores[kinds == kind] for kind in sorted(set(kinds))}
    groups = {kind: finite(part[key]).tolist() for kind, part in parts.items()}
    names = {kind: part["image"].astype(str).tolist() for kind, part in parts.items()}
    return f"<h3>{_escaped(key)} by modality</h3>" + strip_plot(
        groups, f"{key} of each image, by modality", names
    )


def pictures(runs: Sequence[Run]) -> Section | None:
    """Worst, median and best images."""
    key = key_metric([_scores(run) for run in runs])
    if key is None:
        return None
    each = 3 if len(runs) == 1 else 1
    parts = [
        (f"<h3>{_escaped(run.name)}</h3>" if len(runs) > 1 else "") + gallery(run, key, each)
        for run in runs
        if run.files is not None or len(runs) == 1
    ]
    return Section("pictures", f"Worst, median and best by {key}", "".join(parts)) if parts else None


def comparison(runs: Sequence[Run]) -> Section | None:
    """Means with intervals of every run, and a paired test against the first."""
    tables = [_scores(run) for run in runs]
    key = key_metric(tables)
    if len(runs) < 2 or key is None:
        return None
    metrics = [name for name in _score_names(tables[0]) if all(name in other for other in tables[1:])]
    rows: list[list[Cell]] = []
    for run in runs:
        summaries = [summary_of(run, metric) for metric in metrics]
        rows.append([run.name, len(_scores(run)), *(_mean(found and found.mean) for found in summaries)])
    intervals = []
    for run in runs:
        summary = summary_of(run, key)
        if summary is not None:
            intervals.append(Interval(run.name, *summary.mean))
    differences = [difference for difference in against_first(runs, key) if difference.result is not None]
    body = [table(["run", "images", *metrics], rows, "Mean over images with 95 % interval")]
    body.append(
        f"<h3>{_escaped(key)}</h3>" + interval_plot(intervals, f"Mean {key} with 95 % interval, by run")
    )
    if differences:
        body.append(_differences(runs[0].name, key, differences))
    else:
        body.append(note("The runs share no image, so they are not tested against each other.", warning=True))
    return Section("comparison", "Comparison", "".join(body))


def _differences(first: str, key: str, differences: Sequence[Any]) -> str:
    rows: list[list[Cell]] = [
        [one.run, one.result.images, _mean(one.result.difference), f"{one.result.p_value:.4f}"]
        for one in differences
    ]
    drawn = [Interval(one.run, *one.result.difference) for one in differences]
    return (
        f"<h3>Difference from {_escaped(first)}</h3>"
        + interval_plot(drawn, f"Difference of {key} from {first}, with 95 % interval", zero=True)
        + table(
            ["run", "images in both", f"difference of {key}", "p"],
            rows,
            "On the images that both runs scored",
        )
        + note(
            "The p-value is that of a paired permutation test: how often chance alone makes a difference as large. It is "
            "not corrected for the number of runs. Fewer than six images cannot show a difference at 5 %."
        )
    )


def modalities(runs: Sequence[Run]) -> Section | None:
    """Mean and median by modality."""
    parts = []
    for run in runs:
        found = by_modality(_scores(run)[_shown(_scores(run))])
        if len(found):
            rows = [list(row) for row in found.itertuples(index=False)]
            title = "Mean and median by modality" + (f", {run.name}" if len(runs) > 1 else "")
            parts.append(
                table(
                    [str(name).replace("_mean", " mean").replace("_median", " median") for name in found],
                    rows,
                    title,
                )
            )
    return Section("modality", "By modality", "".join(parts)) if parts else None


def images(runs: Sequence[Run]) -> Section:
    """All scores of all images."""
    parts = []
    for run in runs:
        scores = _scores(run)
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
            filled
            if len(runs) == 1
            else f"<details><summary>{_escaped(run.name)}</summary>{filled}</details>"
        )
    return Section("images", "All images", "".join(parts))


def _scores(run: Run) -> pd.DataFrame:
    assert run.scores is not None
    return run.scores


def _score_names(scores: pd.DataFrame) -> list[str]:
    """Metrics between 0 and 1, without counts and distances."""
    return [name for name in metrics_of(scores) if _is_score(name)]


def _is_score(name: str) -> bool:
    try:
        return columns_of([name])[0].kind == "score"
    except ValueError:
        return True  # of another program, such as val_mean_dice


def _shown(scores: pd.DataFrame) -> list[str]:
    """Columns for narrow tables: scores and what is no metric."""
    return [name for name in scores.columns if name in NOT_METRICS or _is_score(str(name))]


def _is_count(values: pd.Series) -> bool:
    return (
        pd.api.types.is_numeric_dtype(values)
        and not pd.api.types.is_bool_dtype(values)
        and not _is_score(str(values.name))
        and bool((values.dropna() % 1 == 0).all())
    )


def _cell(value: Any, whole: bool) -> Cell:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | int | np.number):
        return int(value) if whole and not np.isnan(value) else float(value)
    return "" if value is None or value is pd.NA else str(value)


def _mean(estimate: Estimate | None) -> str | None:
    return None if estimate is None else f"{estimate.value:.3f} {_interval(estimate)}".strip()


def _interval(estimate: Estimate) -> str:
    return "" if np.isnan(estimate.low) else f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def _escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
