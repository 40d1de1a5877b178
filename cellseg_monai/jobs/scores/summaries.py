"""A table of scores to statements: over all images, and by modality."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.jobs.scores.columns import is_score
from cellseg_monai.metrics import Estimate, summarize

NOT_METRICS = ("image", "modality", "missing")
"""Columns of a table of scores that are no scores."""


def metrics_of(table: pd.DataFrame) -> list[str]:
    """The columns that hold scores.

    Example:
        >>> metrics_of(pd.DataFrame({"image": ["a"], "dice": [1.0], "missing": [False]}))
        ['dice']
    """
    return [str(name) for name in table.columns if name not in NOT_METRICS]


def score_names(table: pd.DataFrame) -> list[str]:
    """The columns that hold scores from 0 to 1, without counts and distances.

    Example:
        >>> score_names(pd.DataFrame({"image": ["a"], "dice": [1.0], "n_true": [3]}))
        ['dice']
    """
    return [name for name in metrics_of(table) if is_score(name)]


def key_metric(tables: Sequence[pd.DataFrame]) -> str | None:
    """The score to rank and compare by: F1 of cells if it is there, else Dice, else the first of all tables.

    Example:
        >>> key_metric([pd.DataFrame({"image": ["a"], "iou": [0.5], "dice": [0.6]})])
        'dice'
    """
    common = [
        name
        for name in metrics_of(tables[0])
        if all(name in table and table[name].notna().any() for table in tables)
    ]
    preferred = ("f1@0.5", "f1", "val_f1", "dice", "val_mean_dice")
    return next((name for name in (*preferred, *common) if name in common), None)


def finite(values: pd.Series) -> npt.NDArray[np.float64]:
    """Scores as numbers; an infinite distance, of which there is no mean, is NaN."""
    numbers = values.to_numpy(float, na_value=np.nan)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def overall(table: pd.DataFrame) -> dict[str, Any]:
    """Mean and median of each score with 95 % bootstrap intervals; None for a score that no image has.

    Example:
        >>> overall(pd.DataFrame({"image": ["a", "b"], "dice": [0.5, 0.5]}))["dice"]["mean"]
        {'value': 0.5, 'low': 0.5, 'high': 0.5}
    """
    result: dict[str, Any] = {}
    for name in metrics_of(table):
        values = finite(table[name])
        if np.isnan(values).all():
            result[name] = None
            continue
        summary = summarize(values)
        result[name] = {
            "mean": _plain(summary.mean),
            "median": _plain(summary.median),
            "images": summary.images,
            "left_out": summary.left_out,
        }
    return result


def by_modality(table: pd.DataFrame) -> pd.DataFrame:
    """Number of images, mean and median of each score for each modality, and for all images together.

    Args:
        table: of scores with ``modality``.

    Returns:
        One row a modality; no rows if none is named.

    Example:
        >>> table = pd.DataFrame({"image": ["a", "b"], "dice": [0.4, 0.8], "modality": ["phase", "DIC"]})
        >>> by_modality(table).to_dict("list")
        {'modality': ['DIC', 'phase', 'all'], 'images': [1, 1, 2], 'dice_mean': [0.8, 0.4, 0.6],
         'dice_median': [0.8, 0.4, 0.6]}
    """
    metrics = metrics_of(table)
    kinds = table["modality"] if "modality" in table else pd.Series([""] * len(table))
    kinds = kinds.fillna("").astype(str)
    groups = (
        [(kind or "(not named)", table[kinds == kind]) for kind in sorted(set(kinds))] if kinds.any() else []
    )
    rows = []
    for kind, part in [*groups, ("all", table)] if len(groups) > 1 else groups:
        row: dict[str, Any] = {"modality": kind, "images": len(part)}
        for name in metrics:
            values = pd.Series(finite(part[name]))
            row |= {f"{name}_mean": round(values.mean(), 6), f"{name}_median": round(values.median(), 6)}
        rows.append(row)
    return pd.DataFrame(rows)


def _plain(estimate: Estimate) -> dict[str, float | None]:
    """For JSON, which has no NaN."""
    return {name: None if np.isnan(value) else float(value) for name, value in estimate._asdict().items()}


def interval_in_words(estimate: Estimate) -> str:
    """The interval in brackets, empty if it is not known.

    Example:
        >>> interval_in_words(Estimate(0.5, 0.4, 0.6))
        '[0.400, 0.600]'
    """
    return "" if np.isnan(estimate.low) else f"[{estimate.low:.3f}, {estimate.high:.3f}]"


def in_words(estimate: Estimate | None) -> str | None:
    """The value and its interval.

    Example:
        >>> in_words(Estimate(0.5, 0.4, 0.6))
        '0.500 [0.400, 0.600]'
    """
    return None if estimate is None else f"{estimate.value:.3f} {interval_in_words(estimate)}".strip()
