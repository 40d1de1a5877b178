"""Summaries of a table of scores: over all images, and by modality."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.jobs.scores.columns import is_class_count, is_score
from cellseg_monai.jobs.scores.pooled import pooled_means, pooled_scores
from cellseg_monai.metrics import Estimate, summarize

NOT_METRICS = ("image", "modality", "missing")
"""Columns of a table of scores that are not metrics."""

PREFERRED = ("f1@0.5", "f1", "val_f1", "dice", "val_mean_dice")
"""Scores to rank and compare by, in this order."""


def metrics_of(table: pd.DataFrame) -> list[str]:
    """Return the columns that are metrics of an image, without the pixel counts of the classes.

    Example:
        >>> metrics_of(pd.DataFrame({"image": ["a"], "dice": [1.0], "missing": [False]}))
        ['dice']
    """
    return [str(name) for name in table.columns if name not in NOT_METRICS and not is_class_count(str(name))]


def score_names(table: pd.DataFrame) -> list[str]:
    """Return the columns that are scores from 0 to 1, without counts and distances.

    Example:
        >>> score_names(pd.DataFrame({"image": ["a"], "dice": [1.0], "n_true": [3]}))
        ['dice']
    """
    return [name for name in metrics_of(table) if is_score(name)]


def key_metric(tables: Sequence[pd.DataFrame]) -> str | None:
    """Return the score to rank and compare by: F1 of cells, or Dice, or the first metric of all tables.

    Args:
        tables: tables of scores, which must all have the metric.

    Example:
        >>> key_metric([pd.DataFrame({"image": ["a"], "iou": [0.5], "dice": [0.6]})])
        'dice'
    """
    common = [
        name
        for name in metrics_of(tables[0])
        if all(name in table and table[name].notna().any() for table in tables)
    ]
    return next((name for name in (*PREFERRED, *common) if name in common), None)


def finite(values: pd.Series) -> npt.NDArray[np.float64]:
    """Return scores as an array; infinite distances, which have no mean, become NaN."""
    numbers = values.to_numpy(float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def overall(table: pd.DataFrame) -> dict[str, Any]:
    """Return mean and median of each metric with 95 % bootstrap intervals; None if no image has the metric.

    Example:
        >>> overall(pd.DataFrame({"image": ["a", "b"], "dice": [0.5, 0.5]}))["dice"]["mean"]
        {'value': 0.5, 'low': 0.5, 'high': 0.5}
    """
    result: dict[str, Any] = {}
    for name in metrics_of(table):
        values = finite(table[name])
        result[name] = None
        if not np.isnan(values).all():
            summary = summarize(values)
            plain = {"mean": _plain(summary.mean), "median": _plain(summary.median)}
            result[name] = plain | {"images": summary.images, "left_out": summary.left_out}
    return result


def pooled(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Return the scores of the classes over all images together, with 95 % bootstrap intervals over images.

    Example:
        >>> pooled(pd.DataFrame({"image": ["a"], "tp:1": [2], "fp:1": [1], "fn:1": [1]}))["miou"]
        {'value': 0.5, 'low': None, 'high': None}
    """
    return {name: _plain(found) for name, found in pooled_scores(table).items()}


def parts_by_modality(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Split a table of scores by modality.

    Args:
        table: table of scores.

    Returns:
        The rows of each modality by its name; empty if no modality is named.

    Example:
        >>> list(parts_by_modality(pd.DataFrame({"image": ["a", "b"], "modality": ["phase", None]})))
        ['(not named)', 'phase']
    """
    kinds = table["modality"].fillna("").astype(str) if "modality" in table else pd.Series(dtype=str)
    names = sorted(set(kinds)) if kinds.any() else []
    return {name or "(not named)": table[kinds == name] for name in names}


def by_modality(table: pd.DataFrame) -> pd.DataFrame:
    """Return the number of images, mean and median of each metric, by modality and for all images.

    Pooled scores of classes follow, if there are classes.

    Args:
        table: table of scores with ``modality``.

    Returns:
        One row per modality; no rows if no modality is named.

    Example:
        >>> table = pd.DataFrame({"image": ["a", "b"], "dice": [0.4, 0.8], "modality": ["phase", "DIC"]})
        >>> by_modality(table).to_dict("list")
        {'modality': ['DIC', 'phase', 'all'], 'images': [1, 1, 2], 'dice_mean': [0.8, 0.4, 0.6],
         'dice_median': [0.8, 0.4, 0.6]}
    """
    parts = list(parts_by_modality(table).items())
    rows = []
    for kind, part in [*parts, ("all", table)] if len(parts) > 1 else parts:
        row: dict[str, Any] = {"modality": kind, "images": len(part)}
        for name in metrics_of(table):
            values = pd.Series(finite(part[name]))
            row |= {f"{name}_mean": round(values.mean(), 6), f"{name}_median": round(values.median(), 6)}
        row |= {name: round(value, 6) for name, value in pooled_means(part).items()}
        rows.append(row)
    return pd.DataFrame(rows)


def _plain(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate for JSON, which has no NaN."""
    return {name: None if np.isnan(value) else float(value) for name, value in estimate._asdict().items()}


def interval_in_words(estimate: Estimate) -> str:
    """Return the interval in brackets, or nothing if it is unknown.

    Example:
        >>> interval_in_words(Estimate(0.5, 0.4, 0.6))
        '[0.400, 0.600]'
    """
    return "" if np.isnan(estimate.low) else f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def in_words(estimate: Estimate | None) -> str | None:
    """Return the value and its interval.

    Example:
        >>> in_words(Estimate(0.5, 0.4, 0.6))
        '0.500 [0.400, 0.600]'
    """
    return None if estimate is None else f"{estimate.value:.3f} {interval_in_words(estimate)}".strip()
