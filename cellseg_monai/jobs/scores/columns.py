"""What can be scored of one image: the names that ``--metrics`` takes, and how each becomes a number."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Literal, NamedTuple

import numpy as np

from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics import (
    AP_THRESHOLDS,
    CountErrors,
    ObjectPairs,
    PixelScores,
    aggregated_jaccard_plus,
    boundary_f1,
    hausdorff95,
    instance_scores,
    jaccard_counts,
    jaccard_score,
    neurips_f1,
    object_pairs,
    pair_count_errors,
    pair_counts,
    pixel_counts,
    pixel_scores,
    segmentation_score,
)

DEFAULT_METRICS = (
    "dice", "iou", "f1@0.5", "precision@0.5", "recall@0.5", "pq", "aji", "map", "boundary_f1",
    "n_true", "n_pred", "split", "merged",
)  # fmt: skip
"""The columns of a table of scores, unless others are asked for."""

Kind = Literal["score", "count", "distance"]


class Case:
    """Prediction and truth of one image; what several columns need is computed once."""

    def __init__(self, pred: LabelMap, truth: LabelMap) -> None:
        self.pred = pred
        self.truth = truth

    @cached_property
    def pairs(self) -> ObjectPairs:
        """All pairs of objects that overlap."""
        return object_pairs(self.pred, self.truth)

    @cached_property
    def pixels(self) -> PixelScores:
        """Scores of the foreground."""
        return pixel_scores(pixel_counts(self.pred, self.truth)[0])

    @cached_property
    def classes(self) -> PixelScores:
        """Scores of each value above 0 that occurs in either map, which both hold classes."""
        values = np.union1d(self.pred, self.truth)
        return pixel_scores(pixel_counts(self.pred, self.truth, values[values > 0].tolist() or [1]))

    def of_class(self, value: int) -> PixelScores:
        """Scores of one class; NaN if it is in neither map."""
        return pixel_scores(pixel_counts(self.pred, self.truth, [value]), empty=float("nan"))

    @cached_property
    def errors(self) -> CountErrors:
        """Splits, merges and their like."""
        return pair_count_errors(self.pairs)


class Column(NamedTuple):
    """A column of the table of scores.

    Attributes:
        name: as asked for.
        kind: a score from 0 to 1, a count of objects, or a distance in pixels.
        needs: maps that must say where one object ends, of ``pred`` and ``truth``; empty if pixels suffice.
        compute: the number of one image.
    """

    name: str
    kind: Kind
    needs: frozenset[str]
    compute: Callable[[Case], float]


_NEITHER, _BOTH = frozenset[str](), frozenset({"pred", "truth"})


def _of_pixels(field: str) -> tuple[Kind, frozenset[str], Callable[[Case], float]]:
    return "score", _NEITHER, lambda case: float(getattr(case.pixels, field))


def _of_count(field: str, *needs: str) -> tuple[Kind, frozenset[str], Callable[[Case], float]]:
    return "count", frozenset(needs) or _BOTH, lambda case: float(getattr(case.errors, field))


def _mean_ap(case: Case) -> float:
    return float(instance_scores(pair_counts(case.pairs, AP_THRESHOLDS)).ap.mean())


_PLAIN: dict[str, tuple[Kind, frozenset[str], Callable[[Case], float]]] = {
    "dice": _of_pixels("dice"),
    "iou": _of_pixels("iou"),
    "mdice": ("score", _NEITHER, lambda case: float(case.classes.dice.mean())),
    "miou": ("score", _NEITHER, lambda case: float(case.classes.iou.mean())),
    "pixel_precision": _of_pixels("precision"),
    "pixel_recall": _of_pixels("recall"),
    "accuracy": _of_pixels("accuracy"),
    "aji": ("score", _BOTH, lambda case: float(jaccard_score(jaccard_counts(case.pairs)))),
    "aji+": ("score", _BOTH, lambda case: aggregated_jaccard_plus(case.pred, case.truth)),
    "map": ("score", _BOTH, _mean_ap),
    "boundary_f1": ("score", _BOTH, lambda case: boundary_f1(case.pred, case.truth)),
    "seg": ("score", _BOTH, lambda case: segmentation_score([case.pred], [case.truth])),
    "neurips_f1": ("score", _BOTH, lambda case: neurips_f1(case.pred, case.truth)),
    "hausdorff95": ("distance", _NEITHER, lambda case: hausdorff95(case.pred, case.truth)),
    "n_true": _of_count("truth", "truth"),
    "n_pred": _of_count("pred", "pred"),
    "split": _of_count("split"),
    "merged": _of_count("merged"),
    "invented": _of_count("invented"),
    "missed": _of_count("missed"),
}
_AT_IOU = ("f1", "precision", "recall", "ap", "sq", "pq")
_NAME = re.compile(rf"({'|'.join(_AT_IOU)})(?:@([0-9.]+))?")
_OF_CLASS = re.compile(r"(dice|iou):([1-9][0-9]*)")


def columns_of(names: Sequence[str]) -> list[Column]:
    """Look names of metrics up.

    Args:
        names: of scores of pixels (``dice``, ``iou``, ``pixel_precision``, ``pixel_recall``, ``accuracy``),
            of objects matched at an IoU (``f1``, ``precision``, ``recall``, ``ap``, ``sq``, ``pq``, each
            alone for 0.5 or with another as in ``f1@0.75``), of objects otherwise (``map``, ``aji``,
            ``aji+``, ``boundary_f1``, ``neurips_f1``, ``seg``), of distance (``hausdorff95``), counts
            (``n_true``, ``n_pred``, ``split``, ``merged``, ``invented``, ``missed``), and, of maps that hold
            classes, of one of them (``dice:2``, ``iou:2``) or the mean over those that occur (``mdice``,
            ``miou``).

    Returns:
        Columns in the order of the names.

    Raises:
        ValueError: a name is not known, or occurs twice, or there is none.

    Example:
        >>> [column.kind for column in columns_of(["dice", "f1@0.75", "n_true"])]
        ['score', 'score', 'count']
    """
    if not names or len(set(names)) < len(names):
        raise ValueError(f"metrics are named once each and at least one, not {list(names)}")
    return [_column(name) for name in names]


def class_metrics(classes: Mapping[str, int]) -> list[str]:
    """What is scored of maps that hold classes, unless other metrics are asked for.

    Args:
        classes: class of each value of the masks; 0 is the background.

    Example:
        >>> class_metrics({"0": 0, "128": 1, "255": 2})
        ['mdice', 'miou', 'dice:1', 'dice:2', 'iou:1', 'iou:2']
    """
    numbers = sorted(set(classes.values()) - {0})
    return ["mdice", "miou", *(f"{score}:{number}" for score in ("dice", "iou") for number in numbers)]


def _column(name: str) -> Column:
    if name in _PLAIN:
        return Column(name, *_PLAIN[name])
    if of_class := _OF_CLASS.fullmatch(name):
        score, value = of_class[1], int(of_class[2])
        return Column(name, "score", _NEITHER, lambda case: float(getattr(case.of_class(value), score)[0]))
    found = _NAME.fullmatch(name)
    try:
        threshold = float(found[2] or 0.5) if found else float("nan")
    except ValueError:
        threshold = float("nan")
    if found is None or not 0 < threshold <= 1:
        raise ValueError(
            f"there is no metric {name!r}; there are {', '.join(_PLAIN)}, {', '.join(_AT_IOU)} "
            "alone or at an IoU above 0 and at most 1, as in f1@0.75, and dice or iou of a class as in dice:2"
        )
    field = found[1]
    return Column(
        name,
        "score",
        _BOTH,
        lambda case: float(getattr(instance_scores(pair_counts(case.pairs, threshold)), field)[0]),
    )


def is_score(name: str) -> bool:
    """Whether a column holds a score, and not a count or a distance; those of other programs are scores.

    Example:
        >>> is_score("dice"), is_score("n_true"), is_score("val_mean_dice")
        (True, False, True)
    """
    return name not in _PLAIN or _PLAIN[name][0] == "score"
