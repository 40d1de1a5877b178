"""Several runs side by side, and whether they differ on the images that they share."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np
import pandas as pd

from cellseg_monai.export.report import Cell, Interval, Section, interval_plot, note, table
from cellseg_monai.jobs.reporting.runs import Run
from cellseg_monai.jobs.scores.summaries import finite, in_words, key_metric, score_names
from cellseg_monai.metrics import Comparison, Summary, compare_paired, summarize


class Difference(NamedTuple):
    """One run against the first.

    Attributes:
        run: name of the run.
        result: difference, its interval, the p-value.
    """

    run: str
    result: Comparison


def summary_of(run: Run, metric: str) -> Summary | None:
    """Mean and median of a score with their intervals; None if the run does not have it."""
    if run.scores is None or metric not in run.scores:
        return None
    values = finite(run.scores[metric])
    return None if np.isnan(values).all() else summarize(values)


def against_first(runs: Sequence[Run], metric: str) -> list[Difference]:
    """Test each further run against the first one, image by image.

    Args:
        runs: with scores.
        metric: to compare.

    Returns:
        One difference a run, run − first; none of a run that shares no scored image with the first.
    """
    first = _by_image(runs[0], metric)
    differences = []
    for run in runs[1:]:
        both = pd.concat([_by_image(run, metric), first], axis=1, join="inner").dropna()
        if len(both):
            result = compare_paired(both.iloc[:, 0].to_numpy(), both.iloc[:, 1].to_numpy())
            differences.append(Difference(run.name, result))
    return differences


def _by_image(run: Run, metric: str) -> pd.Series:
    return pd.Series(finite(run.table[metric]), index=run.table["image"].astype(str))


def comparison(runs: Sequence[Run]) -> Section | None:
    """Means with intervals of every run, and a paired test against the first."""
    tables = [run.table for run in runs]
    key = key_metric(tables)
    if len(runs) < 2 or key is None:
        return None
    metrics = [name for name in score_names(tables[0]) if all(name in other for other in tables[1:])]
    rows: list[list[Cell]] = []
    for run in runs:
        summaries = [summary_of(run, metric) for metric in metrics]
        rows.append([run.name, len(run.table), *(in_words(found and found.mean) for found in summaries)])
    intervals = []
    for run in runs:
        summary = summary_of(run, key)
        if summary is not None:
            intervals.append(Interval(run.name, *summary.mean))
    differences = against_first(runs, key)
    body = [table(["run", "images", *metrics], rows, "Mean over images with 95 % interval")]
    body.append(
        f"<h3>{escape(key)}</h3>" + interval_plot(intervals, f"Mean {key} with 95 % interval, by run")
    )
    if differences:
        body.append(_differences(runs[0].name, key, differences))
    else:
        body.append(note("The runs share no image, so they are not tested against each other.", warning=True))
    return Section("comparison", "Comparison", "".join(body))


def _differences(first: str, key: str, differences: Sequence[Difference]) -> str:
    rows: list[list[Cell]] = [
        [one.run, one.result.images, in_words(one.result.difference), f"{one.result.p_value:.4f}"]
        for one in differences
    ]
    drawn = [Interval(one.run, *one.result.difference) for one in differences]
    return (
        f"<h3>Difference from {escape(first)}</h3>"
        + interval_plot(drawn, f"Difference of {key} from {first}, with 95 % interval", zero=True)
        + table(
            ["run", "images in both", f"difference of {key}", "p"],
            rows,
            "On the images that both runs scored",
        )
        + note(
            "The p-value is that of a paired permutation test: how often chance alone makes a "
            "difference as large. It is not corrected for the number of runs. Fewer than six images cannot "
            "show a difference at 5 %."
        )
    )
