"""Pairs of files to a table of scores with one row per image."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.data import read_label_map
from cellseg_monai.jobs.files.pairs import Pair
from cellseg_monai.jobs.scores.columns import Case, Column
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.metrics.mask_content import Content, binary_maps, content_of, pieces_of_mask
from cellseg_monai.runtime.spreading import Killed, answers_of
from cellseg_monai.transforms import class_target

_logger = logging.getLogger(__name__)


class Scores(NamedTuple):
    """Scores of an evaluation.

    Attributes:
        table: table with ``image``, the metrics, ``modality`` and ``missing``; NaN where a binary mask does
            not separate objects.
        binary_truth: names of the images whose true mask is binary.
        binary_predictions: names of the images whose predicted mask is binary.
    """

    table: pd.DataFrame
    binary_truth: list[str]
    binary_predictions: list[str]


def read_pair(
    pair: Pair,
    pieces: bool = False,
    classes: Mapping[str, int | str] | None = None,
    force: bool = False,
) -> tuple[LabelMap, LabelMap]:
    """Read prediction and truth; a missing prediction is empty.

    Args:
        pair: files of an image.
        pieces: whether to label the connected pieces of maps with a single value.
        classes: class of each value of the true masks; the predictions hold classes already.
        force: whether to accept label maps that look like microscope images.

    Returns:
        The two maps, of the same shape; pixels of the truth that do not count are −1.

    Raises:
        ValueError: If the shapes differ, a file cannot be read, or a value has no class.
    """
    truth = read_label_map(pair.truth, force=force, stack=True)
    if classes is not None:
        try:
            truth = class_target(truth[None], classes)[0]
        except ValueError as error:
            raise ValueError(f"{pair.truth}: {error}") from error
    pred = np.zeros_like(truth)
    if pair.prediction is not None:
        pred = read_label_map(pair.prediction, force=force, stack=True)
    if pred.shape != truth.shape:
        sizes = [" × ".join(map(str, label_map.shape)) for label_map in (pred, truth)]
        raise ValueError(
            f"{pair.prediction} is {sizes[0]} and {pair.truth} is {sizes[1]} pixels ((planes ×) rows × "
            "columns); save the prediction in the size of the image"
        )
    return (pieces_of_mask(pred), pieces_of_mask(truth)) if pieces else (pred, truth)


def score_pairs(
    pairs: Sequence[Pair],
    columns: Sequence[Column],
    pieces: bool = False,
    classes: Mapping[str, int | str] | None = None,
    force: bool = False,
    cluster: str | None = None,
) -> Scores:
    """Score every image.

    If a mask is binary, the columns that need separate objects are NaN, unless `pieces` is set.

    Args:
        pairs: files of each image.
        columns: columns to compute.
        pieces: whether the connected pieces of a binary mask are its objects.
        classes: class of each value of the true masks; the predictions hold classes already.
        force: whether to accept label maps that look like microscope images.
        cluster: Dask cluster whose workers score one pair each at a time.

    Raises:
        RuntimeError: a pair has killed its workers.
    """
    rows: list[dict[str, object]] = []
    contents: dict[str, list[Content]] = {"pred": [], "truth": []}

    def scored(pair: Pair) -> tuple[Content, Content, dict[str, float]]:
        case = Case(*read_pair(pair, pieces, classes, force))
        scores = {column.name: float(column.compute(case)) for column in columns}
        return content_of(case.pred), content_of(case.truth), scores

    for pair, answer in zip(pairs, answers_of(scored, pairs, cluster), strict=True):
        if isinstance(answer, Killed):
            raise RuntimeError(f"{pair.name}: {answer}")
        pred_content, truth_content, scores = answer
        contents["pred"].append(pred_content)
        contents["truth"].append(truth_content)
        known = {"modality": pair.modality, "missing": pair.prediction is None}
        rows.append({"image": pair.name, **scores, **known})
    table = pd.DataFrame(rows)
    counts = [column.name for column in columns if column.kind == "count"]
    table[counts] = table[counts].astype("Int64")  # integers that may be missing
    if pieces or classes is not None:
        return Scores(table, [], [])
    binary = {side: _binary(pairs, found) for side, found in contents.items()}
    of_objects = [column for column in columns if column.needs]
    for column in of_objects:
        unknown = np.any([binary[side] for side in column.needs], axis=0)
        table[column.name] = table[column.name].mask(unknown)
    truth, pred = (table["image"][binary[side]].tolist() for side in ("truth", "pred"))
    if (truth or pred) and of_objects:
        _logger.warning(
            "%d true and %d predicted masks are binary: they do not separate touching cells, so their object "
            "scores are empty; with pieces=True (--pieces), connected pieces count as objects",
            len(truth),
            len(pred),
        )
    return Scores(table, truth, pred)


def _binary(pairs: Sequence[Pair], contents: Sequence[Content]) -> npt.NDArray[np.bool_]:
    """Decide for all maps of a modality together which ones are binary."""
    by_modality = defaultdict(list)
    for index, pair in enumerate(pairs):
        by_modality[pair.modality].append(index)
    flags = np.zeros(len(pairs), bool)
    for indices in by_modality.values():
        flags[indices] = binary_maps([contents[index] for index in indices])
    return flags
