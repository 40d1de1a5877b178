"""Pairs of files to a table of scores, one row an image."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.data import read_label_map
from cellseg_monai.jobs.files.pairs import Pair
from cellseg_monai.jobs.scores.columns import Case, Column
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics.mask_content import Content, binary_maps, content_of, pieces_of_mask
from cellseg_monai.transforms import class_target

_logger = logging.getLogger(__name__)


class Scores(NamedTuple):
    """What was scored.

    Attributes:
        table: ``image``, the metrics, ``modality`` and ``missing``; NaN where the masks do not tell.
        binary_truth: images whose true mask tells foreground from background only.
        binary_predictions: likewise for the predictions.
    """

    table: pd.DataFrame
    binary_truth: list[str]
    binary_predictions: list[str]


def read_pair(
    pair: Pair, pieces: bool = False, classes: Mapping[str, int] | None = None
) -> tuple[LabelMap, LabelMap]:
    """Read prediction and truth; a missing prediction is empty.

    Args:
        pair: the files.
        pieces: number the connected pieces of maps that hold one value.
        classes: class of each value of the true masks; the predictions hold classes already.

    Returns:
        The two maps, of one shape.

    Raises:
        ValueError: the shapes differ, a file cannot be read, or the classes do not name a value.
    """
    truth = read_label_map(pair.truth)
    if classes is not None:
        truth = _as_classes(truth, classes, pair.truth)
    pred = np.zeros_like(truth) if pair.prediction is None else read_label_map(pair.prediction)
    if pred.shape != truth.shape:
        raise ValueError(
            f"{pair.prediction} is {_size(pred)} and {pair.truth} is {_size(truth)} pixels (rows × columns); "
            "save the prediction in the size of the image"
        )
    return (pieces_of_mask(pred), pieces_of_mask(truth)) if pieces else (pred, truth)


def score_pairs(
    pairs: Sequence[Pair],
    columns: Sequence[Column],
    pieces: bool = False,
    classes: Mapping[str, int] | None = None,
) -> Scores:
    """Score every image.

    Where a mask does not tell objects apart, columns that need objects stay empty (NaN), unless `pieces` says
    that connected pieces are the objects.

    Args:
        pairs: the files.
        columns: what to score.
        pieces: as in :func:`read_pair`.
        classes: likewise.

    Returns:
        :class:`Scores`.
    """
    rows: list[dict[str, object]] = []
    contents: dict[str, list[Content]] = {"pred": [], "truth": []}
    for pair in pairs:
        pred, truth = read_pair(pair, pieces, classes)
        contents["pred"].append(content_of(pred))
        contents["truth"].append(content_of(truth))
        case = Case(pred, truth)
        row: dict[str, object] = {column.name: column.compute(case) for column in columns}
        rows.append(
            {"image": pair.name} | row | {"modality": pair.modality, "missing": pair.prediction is None}
        )
    table = pd.DataFrame(rows)
    counts = [column.name for column in columns if column.kind == "count"]
    table[counts] = table[counts].astype("Int64")  # whole numbers that may be unknown
    if pieces or classes is not None:
        return Scores(table, [], [])
    binary = {side: _binary(pairs, found) for side, found in contents.items()}
    for column in columns:
        unknown = np.any([binary[side] for side in column.needs], axis=0)
        if column.needs:
            table[column.name] = table[column.name].mask(unknown)
    names = {side: table.image[flags].tolist() for side, flags in binary.items()}
    if any(names.values()) and any(column.needs for column in columns):
        _logger.warning(
            "%d true and %d predicted masks are binary: they do not tell cells apart, so the scores of "
            "objects stay empty there; pieces=True (--pieces) counts connected pieces as objects",
            len(names["truth"]),
            len(names["pred"]),
        )
    return Scores(table, names["truth"], names["pred"])


def _as_classes(truth: LabelMap, classes: Mapping[str, int], file: Path) -> LabelMap:
    try:
        return np.asarray(class_target(truth[None], classes)[0], np.int32)
    except ValueError as error:
        raise ValueError(f"{file}: {error}") from error


def _binary(pairs: Sequence[Pair], contents: Sequence[Content]) -> npt.NDArray[np.bool_]:
    by_modality = defaultdict(list)
    for index, pair in enumerate(pairs):
        by_modality[pair.modality].append(index)
    flags = np.zeros(len(pairs), bool)
    for indices in by_modality.values():
        flags[indices] = binary_maps([contents[index] for index in indices])
    return flags


def _size(label_map: LabelMap) -> str:
    return " × ".join(map(str, label_map.shape))
