"""Scores of classes over all images together, from the pixels of each class in each image.

The pixels are counted for the whole set first, and divided then:

    mIoU = 1/C · Σ_i |P_i ∩ G_i| / |P_i ∪ G_i|

The sums run over the C classes that occur in a true or a predicted map, with the background. The mean over
images of scores of each image is another number: an image is not rewarded here for classes that it lacks.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from cellseg_monai.jobs.scores.columns import COUNTS
from cellseg_monai.metrics import Estimate, summarize_pooled
from cellseg_monai.metrics.ratio import Scores, ratio

POOLED = ("miou", "mdice", "miou_foreground", "mdice_foreground")
"""Means over the classes: of IoU and Dice, with the background (class 0) and without it."""


def pooled_scores(table: pd.DataFrame) -> dict[str, Estimate]:
    """Return the pooled means, and IoU and Dice of each class, with bootstrap intervals over images.

    Args:
        table: table with one row per image and the columns ``tp:0``, ``fp:0``, ``fn:0``, ``tp:1``, ….

    Returns:
        Scores by name; none if the table has no such columns. NaN if nothing was there to score.

    Example:
        Classes 1 and 0 have an IoU of 2/4 and 1/3:

        >>> counts = {"tp:0": [1], "fp:0": [1], "fn:0": [1], "tp:1": [2], "fp:1": [1], "fn:1": [1]}
        >>> found = pooled_scores(pd.DataFrame(counts))
        >>> {name: round(value.value, 3) for name, value in found.items()}
        {'miou': 0.417, 'mdice': 0.583, 'miou_foreground': 0.5, 'mdice_foreground': 0.667,
         'iou:0': 0.333, 'iou:1': 0.5, 'dice:0': 0.5, 'dice:1': 0.667}
    """
    names = [*POOLED, *(f"{score}:{number}" for score in ("iou", "dice") for number in classes_of(table))]
    return {name: pooled_estimate(table, name) for name in names if classes_of(table)}


def pooled_means(table: pd.DataFrame) -> dict[str, float]:
    """Return the pooled means without intervals; none if the table counts no classes.

    Example:
        >>> pooled_means(pd.DataFrame({"tp:1": [2], "fp:1": [1], "fn:1": [1]}))["mdice"]
        0.666...
    """
    if not classes_of(table):
        return {}
    total = _counts(table).sum(axis=0)[None]
    return {name: float(_score(total, name, classes_of(table))[0]) for name in POOLED}


def pooled_estimate(table: pd.DataFrame, name: str) -> Estimate:
    """Return one pooled score with its bootstrap interval over images.

    Args:
        table: table as for :func:`pooled_scores`.
        name: name from :data:`POOLED`, or ``iou`` or ``dice`` of a class, such as ``iou:2``.
    """
    numbers = classes_of(table)
    return summarize_pooled(_counts(table), lambda sums: _score(sums, name, numbers))


def classes_of(table: pd.DataFrame) -> list[int]:
    """Return the classes that a table counts, in its order.

    Example:
        >>> classes_of(pd.DataFrame(columns=["image", "tp:0", "fp:0", "fn:0", "tp:2", "fp:2", "fn:2"]))
        [0, 2]
    """
    return [int(str(name).removeprefix("tp:")) for name in table.columns if str(name).startswith("tp:")]


def _counts(table: pd.DataFrame) -> Scores:
    """Counts of shape (images, classes, 3)."""
    columns = [f"{count}:{number}" for number in classes_of(table) for count in COUNTS]
    return table[columns].to_numpy(float).reshape(len(table), -1, len(COUNTS))


def _score(sums: Scores, name: str, classes: Sequence[int]) -> Scores:
    """Score of sums of shape (sums, classes, 3)."""
    kind, _, number = name.removeprefix("m").removesuffix("_foreground").partition(":")
    tp, fp, fn = np.moveaxis(sums, -1, 0)
    whole, part = (tp + fp + fn, tp) if kind == "iou" else (2 * tp + fp + fn, 2 * tp)
    of_class = ratio(part, whole, empty=np.nan)
    if number:
        return of_class[:, classes.index(int(number))]
    chosen = of_class[:, [not (one == 0 and name.endswith("_foreground")) for one in classes]]
    there = ~np.isnan(chosen)
    return ratio(np.where(there, chosen, 0).sum(axis=1), there.sum(axis=1), empty=np.nan)
