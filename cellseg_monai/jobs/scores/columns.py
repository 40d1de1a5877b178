"""Scores of one image: the names that ``--metrics`` accepts, and how each is computed."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import numpy as np

from cellseg_monai import metrics
from cellseg_monai.label_maps import LabelMap

DEFAULT_METRICS = (
    "dice", "iou", "f1@0.5", "precision@0.5", "recall@0.5", "pq", "aji", "map", "boundary_f1",
    "n_true", "n_pred", "split", "merged",
)  # fmt: skip
"""Default columns of a table of scores."""

Kind = Literal["score", "count", "distance"]


class Case:
    """Prediction and truth of one image, with everything that several columns need.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
    """

    def __init__(self, pred: LabelMap, truth: LabelMap) -> None:
        self.pred = pred
        self.truth = truth

    @cached_property
    def pairs(self) -> metrics.ObjectPairs:
        """All pairs of overlapping objects."""
        return metrics.object_pairs(self.pred, self.truth)

    @cached_property
    def pixels(self) -> metrics.PixelScores:
        """Scores of the foreground."""
        return metrics.pixel_scores(metrics.pixel_counts(self.pred, self.truth)[0])

    @cached_property
    def classes(self) -> metrics.PixelScores:
        """Scores of each class that occurs in either map, if the values of the maps are classes."""
        values = np.union1d(self.pred, self.truth)
        return metrics.pixel_scores(
            metrics.pixel_counts(self.pred, self.truth, values[values > 0].tolist() or [1])
        )

    def of_class(self, value: int) -> metrics.PixelScores:
        """Return the scores of one class; NaN if it is in neither map."""
        return metrics.pixel_scores(metrics.pixel_counts(self.pred, self.truth, [value]), empty=float("nan"))

    @cached_property
    def errors(self) -> metrics.CountErrors:
        """Numbers of objects, splits, merges, and missed and invented objects."""
        return metrics.pair_count_errors(self.pairs)

    def at_iou(self, thresholds: float | Sequence[float]) -> metrics.InstanceScores:
        """Return the scores of objects matched at each IoU threshold."""
        return metrics.instance_scores(metrics.pair_counts(self.pairs, thresholds))


Compute = Callable[[Case], Any]


class Column(NamedTuple):
    """A column of a table of scores.

    Attributes:
        name: name of the metric.
        kind: "score" from 0 to 1, "count" of objects, or "distance" in pixels.
        needs: maps that must separate objects, of "pred" and "truth"; empty if pixels suffice.
        compute: function that returns the value for one image.
    """

    name: str
    kind: Kind
    needs: frozenset[str]
    compute: Compute


_NEITHER, _BOTH = frozenset[str](), frozenset({"pred", "truth"})
_PLAIN: dict[str, tuple[Kind, frozenset[str], Compute]] = {
    "dice": ("score", _NEITHER, attrgetter("pixels.dice")),
    "iou": ("score", _NEITHER, attrgetter("pixels.iou")),
    "mdice": ("score", _NEITHER, lambda case: case.classes.dice.mean()),
    "miou": ("score", _NEITHER, lambda case: case.classes.iou.mean()),
    "pixel_precision": ("score", _NEITHER, attrgetter("pixels.precision")),
    "pixel_recall": ("score", _NEITHER, attrgetter("pixels.recall")),
    "accuracy": ("score", _NEITHER, attrgetter("pixels.accuracy")),
    "aji": ("score", _BOTH, lambda case: metrics.jaccard_score(metrics.jaccard_counts(case.pairs))),
    "aji+": ("score", _BOTH, lambda case: metrics.aggregated_jaccard_plus(case.pred, case.truth)),
    "map": ("score", _BOTH, lambda case: case.at_iou(metrics.AP_THRESHOLDS).ap.mean()),
    "boundary_f1": ("score", _BOTH, lambda case: metrics.boundary_f1(case.pred, case.truth)),
    "seg": ("score", _BOTH, lambda case: metrics.segmentation_score([case.pred], [case.truth])),
    "neurips_f1": ("score", _BOTH, lambda case: metrics.neurips_f1(case.pred, case.truth)),
    "hausdorff95": ("distance", _NEITHER, lambda case: metrics.hausdorff95(case.pred, case.truth)),
    "n_true": ("count", frozenset({"truth"}), attrgetter("errors.truth")),
    "n_pred": ("count", frozenset({"pred"}), attrgetter("errors.pred")),
    "split": ("count", _BOTH, attrgetter("errors.split")),
    "merged": ("count", _BOTH, attrgetter("errors.merged")),
    "invented": ("count", _BOTH, attrgetter("errors.invented")),
    "missed": ("count", _BOTH, attrgetter("errors.missed")),
}
_AT_IOU = ("f1", "precision", "recall", "ap", "sq", "pq")
_NAME = re.compile(rf"({'|'.join(_AT_IOU)})(?:@(\d+\.?\d*|\.\d+))?")
_OF_CLASS = re.compile(r"(dice|iou):([1-9][0-9]*)")


def columns_of(names: Sequence[str]) -> list[Column]:
    """Return the columns for names of metrics, in the same order.

    Args:
        names: scores of pixels (``dice``, ``iou``, ``pixel_precision``, ``pixel_recall``, ``accuracy``);
            scores of objects matched at an IoU of 0.5 (``f1``, ``precision``, ``recall``, ``ap``, ``sq``,
            ``pq``) or at another IoU (``f1@0.75``); other scores of objects (``map``, ``aji``, ``aji+``,
            ``boundary_f1``, ``neurips_f1``, ``seg``); a distance (``hausdorff95``); counts (``n_true``,
            ``n_pred``, ``split``, ``merged``, ``invented``, ``missed``); and for maps of classes, scores of
            one class (``dice:2``, ``iou:2``) or the mean over the classes that occur (``mdice``, ``miou``).

    Raises:
        ValueError: If there is no name, or a name is unknown or repeated.

    Example:
        >>> [column.kind for column in columns_of(["dice", "f1@0.75", "n_true"])]
        ['score', 'score', 'count']
    """
    if not names or len(set(names)) < len(names):
        raise ValueError(f"metrics must have at least one name, and each name only once, not {list(names)}")
    return [_column(name) for name in names]


def class_metrics(classes: Mapping[str, int]) -> list[str]:
    """Return the default metrics of maps that hold classes.

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
        return Column(name, "score", _NEITHER, lambda case: getattr(case.of_class(value), score)[0])
    found = _NAME.fullmatch(name)
    if found and 0 < (threshold := float(found[2] or 0.5)) <= 1:
        score = found[1]
        return Column(name, "score", _BOTH, lambda case: getattr(case.at_iou(threshold), score)[0])
    raise ValueError(
        f"{name!r} is not a metric; choose from {', '.join(_PLAIN)}, {', '.join(_AT_IOU)} (alone or at an "
        "IoU above 0 and at most 1, such as f1@0.75), and dice or iou of a class, such as dice:2"
    )


def is_score(name: str) -> bool:
    """Return whether a column is a score, and not a count or a distance; unknown names are scores.

    Example:
        >>> is_score("dice"), is_score("n_true"), is_score("val_mean_dice")
        (True, False, True)
    """
    return name not in _PLAIN or _PLAIN[name][0] == "score"
