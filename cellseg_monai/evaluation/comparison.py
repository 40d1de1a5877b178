"""Several runs side by side, and whether they differ on the images that they share."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cellseg_monai.evaluation.runs import Run
from cellseg_monai.evaluation.summaries import finite
from cellseg_monai.metrics import Comparison, Summary, compare_paired, summarize


class Difference(NamedTuple):
    """One run against the first.

    Attributes:
        run: name of the run.
        metric: compared.
        result: difference, its interval, the p-value; None if the two share no scored image.
    """

    run: str
    metric: str
    result: Comparison | None


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
        One difference a run, run − first.
    """
    first = _by_image(runs[0], metric)
    differences = []
    for run in runs[1:]:
        both = pd.concat([_by_image(run, metric), first], axis=1, join="inner").dropna()
        result = compare_paired(both.iloc[:, 0].to_numpy(), both.iloc[:, 1].to_numpy()) if len(both) else None
        differences.append(Difference(run.name, metric, result))
    return differences


def _by_image(run: Run, metric: str) -> pd.Series:
    assert run.scores is not None
    return pd.Series(finite(run.scores[metric]), index=run.scores["image"].astype(str))
