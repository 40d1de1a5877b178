"""Several runs side by side, and whether they differ on the images that they share."""

from collections.abc import Sequence
from html import escape

import numpy as np
import pandas as pd

from cellseg_monai.export.report import Cell, Interval, Section, interval_plot, note, table
from cellseg_monai.jobs.reporting.run_folder import RunFolder
from cellseg_monai.jobs.scores.pooled import POOLED, classes_of, pooled_estimate
from cellseg_monai.jobs.scores.summaries import finite, in_words, key_metric, score_names
from cellseg_monai.metrics import Comparison, Summary, compare_paired, summarize


def summary_of(run: RunFolder, metric: str) -> Summary | None:
    """Return mean and median of a score with their intervals, or None if no image has this score."""
    values = finite(run.table[metric]) if metric in run.table else np.array([np.nan])
    return None if np.isnan(values).all() else summarize(values)


def against_first(runs: Sequence[RunFolder], metric: str) -> dict[str, Comparison]:
    """Test each further run against the first one, image by image.

    Args:
        runs: runs with scores.
        metric: score to compare.

    Returns:
        The comparison run − first, by the name of each run that shares scored images with the first.
    """
    first, *others = (
        pd.Series(finite(run.table[metric]), index=run.table["image"].astype(str), name=run.name)
        for run in runs
    )
    differences = {}
    for other in others:
        both = pd.concat([other, first], axis=1, join="inner").dropna()
        if len(both):
            differences[str(other.name)] = compare_paired(*both.to_numpy().T)
    return differences


def comparison(runs: Sequence[RunFolder]) -> Section | None:
    """Return means with intervals of every run, and a paired test of each run against the first."""
    tables = [run.table for run in runs]
    key = key_metric(tables)
    if len(runs) < 2 or key is None:
        return None
    metrics = [name for name in score_names(tables[0]) if all(name in other for other in tables[1:])]
    pooled = POOLED if all(classes_of(table) for table in tables) else ()
    rows: list[list[Cell]] = []
    intervals = []
    for run in runs:
        means = {name: found and found.mean for name in metrics for found in [summary_of(run, name)]}
        together = [pooled_estimate(run.table, name) for name in pooled]
        rows.append([run.name, len(run.table), *map(in_words, [*together, *means.values()])])
        if (mean := means.get(key)) is not None:
            intervals.append(Interval(run.name, *mean))
    body = table(["run", "images", *pooled, *metrics], rows, "Mean over images with 95 % interval")
    body += f"<h3>{escape(key)}</h3>" + interval_plot(intervals, f"Mean {key} with 95 % interval, by run")
    return Section("comparison", "Comparison", body + _differences(runs, key))


def _differences(runs: Sequence[RunFolder], key: str) -> str:
    first, differences = runs[0].name, against_first(runs, key)
    if not differences:
        return note("The runs share no image, so they are not tested against each other.", warning=True)
    rows: list[list[Cell]] = [
        [name, result.images, in_words(result.difference), f"{result.p_value:.4f}"]
        for name, result in differences.items()
    ]
    drawn = [Interval(name, *result.difference) for name, result in differences.items()]
    columns = ["run", "images in both", f"difference of {key}", "p"]
    return (
        f"<h3>Difference from {escape(first)}</h3>"
        + interval_plot(drawn, f"Difference of {key} from {first}, with 95 % interval", zero=True)
        + table(columns, rows, "On the images that both runs scored")
        + note(
            "The p-value is from a paired permutation test: the probability of a difference at least as "
            "large by chance. It is not corrected for the number of runs. Fewer than six images cannot show "
            "a difference at 5 %."
        )
    )
