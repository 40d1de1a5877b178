"""Scores of one image: the names that ``--metrics`` accepts, and how each is computed."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, Literal, NamedTuple

import numpy as np

from cellseg_monai import metrics
from cellseg_monai.label_maps import IGNORED, LabelMap
from cellseg_monai.metrics.ratio import Scores
from cellseg_monai.transforms.targets.classes import class_table

CLASS_METRICS = ("image_mdice", "image_miou")
"""Default scores of an image whose values are classes; the scores of a set are pooled."""
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
        """Scores of each class but 0 that occurs in either map, if the values of the maps are classes."""
        values = np.union1d(self.pred, self.truth)
        return metrics.pixel_scores(
            metrics.pixel_counts(self.pred, self.truth, values[values > 0].tolist() or [1])
        )

    def of_class(self, value: int) -> metrics.PixelScores:
        """Return the scores of one class; NaN if it is in neither map."""
        return metrics.pixel_scores(self.pixels_of_class(value), empty=float("nan"))

    def pixels_of_class(self, value: int) -> Scores:
        """Return TP, FP, FN and TN of one class."""
        return metrics.pixel_counts(self.pred, self.truth, [value])

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
    "image_mdice": ("score", _NEITHER, lambda case: case.classes.dice.mean()),
    "image_miou": ("score", _NEITHER, lambda case: case.classes.iou.mean()),
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
_OF_CLASS = re.compile(r"image_(dice|iou):(0|[1-9][0-9]*)")
COUNTS = ("tp", "fp", "fn")
"""Pixels of a class, in columns such as ``tp:2``: pooled scores are made of them."""
_COUNT = re.compile(rf"({'|'.join(COUNTS)}):(0|[1-9][0-9]*)")


def columns_of(names: Sequence[str]) -> list[Column]:
    """Return the columns for names of metrics, in the same order.

    Args:
        names: scores of pixels (``dice``, ``iou``, ``pixel_precision``, ``pixel_recall``, ``accuracy``);
            scores of objects matched at an IoU of 0.5 (``f1``, ``precision``, ``recall``, ``ap``, ``sq``,
            ``pq``) or at another IoU (``f1@0.75``); other scores of objects (``map``, ``aji``, ``aji+``,
            ``boundary_f1``, ``neurips_f1``, ``seg``); a distance (``hausdorff95``); counts (``n_true``,
            ``n_pred``, ``split``, ``merged``, ``invented``, ``missed``); and for maps of classes, the score
            of one class in one image (``image_dice:2``, ``image_iou:2``), the mean over the classes except 0
            that occur in the image (``image_mdice``, ``image_miou``), and the pixels of a class (``tp:2``,
            ``fp:2``, ``fn:2``).

    Raises:
        ValueError: If there is no name, or a name is unknown or repeated.

    Example:
        >>> [column.kind for column in columns_of(["dice", "f1@0.75", "n_true"])]
        ['score', 'score', 'count']
    """
    if not names or len(set(names)) < len(names):
        raise ValueError(f"metrics must have at least one name, and each name only once, not {list(names)}")
    return [_column(name) for name in names]


def count_columns(classes: Mapping[str, int | str]) -> list[str]:
    """Return the pixel counts of each class, from which the pooled scores are made.

    Args:
        classes: class of each value of the masks, or ``"ignore"``.

    Example:
        >>> count_columns({"0": "ignore", "128": 0, "255": 1})
        ['tp:0', 'fp:0', 'fn:0', 'tp:1', 'fp:1', 'fn:1']
    """
    numbers = sorted(set(class_table(classes).values()) - {IGNORED})
    return [f"{count}:{number}" for number in numbers for count in COUNTS]


def is_class_count(name: str) -> bool:
    """Return whether a column counts the pixels of a class.

    Example:
        >>> is_class_count("tp:2"), is_class_count("n_true")
        (True, False)
    """
    return _COUNT.fullmatch(name) is not None


def _column(name: str) -> Column:
    if name in _PLAIN:
        return Column(name, *_PLAIN[name])
    if of_class := _OF_CLASS.fullmatch(name):
        score, value = of_class[1], int(of_class[2])
        return Column(name, "score", _NEITHER, lambda case: getattr(case.of_class(value), score)[0])
    if count := _COUNT.fullmatch(name):
        place, number = COUNTS.index(count[1]), int(count[2])
        return Column(name, "count", _NEITHER, lambda case: case.pixels_of_class(number)[0, place])
    found = _NAME.fullmatch(name)
    if found and 0 < (threshold := float(found[2] or 0.5)) <= 1:
        score = found[1]
        return Column(name, "score", _BOTH, lambda case: getattr(case.at_iou(threshold), score)[0])
    raise ValueError(
        f"{name!r} is not a metric; choose from {', '.join(_PLAIN)}, {', '.join(_AT_IOU)} (alone or at an "
        "IoU above 0 and at most 1, such as f1@0.75), and image_dice or image_iou of a class, such as "
        "image_dice:2; scores pooled over all images, such as miou, are there whenever classes are given"
    )


def is_score(name: str) -> bool:
    """Return whether a column is a score, and not a count or a distance; unknown names are scores.

    Example:
        >>> is_score("dice"), is_score("n_true"), is_score("val_mean_dice")
        (True, False, True)
    """
    return name not in _PLAIN or _PLAIN[name][0] == "score"
