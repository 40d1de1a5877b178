"""Class of each cell and its probability."""

from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.analysis.measure.intensity import intensities
from cellseg_monai.analysis.measure.runs import Real, Runs, Whole
from cellseg_monai.label_maps import as_label_map, overlap_matrix


def kinds_of(runs: Runs, label_map: npt.ArrayLike, classes: npt.NDArray[Any]) -> tuple[Whole, Real]:
    """Classify each cell by its pixels.

    Args:
        runs: runs of the label map.
        label_map: label map of one plane.
        classes: class of each pixel, in which case the most frequent class except background wins; or
            probabilities (classes, rows, columns) with background first, in which case the class with the
            highest mean wins. In a tie the lower class wins.

    Returns:
        Class of each cell, 0 if the class map has no class under it; and the share of its pixels with that
        class, or the mean probability of the class.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> cells = [[4, 4, 4, 4, 0]]
        >>> number, probability = kinds_of(runs_of(cells), cells, np.array([[2, 2, 2, 1, 1]]))
        >>> int(number[0]), float(probability[0])
        (2, 0.75)
    """
    if classes.ndim == 3:
        return _by_mean(runs, classes)
    if classes.shape != runs.shape:
        raise ValueError(f"classes {classes.shape} and label map {runs.shape} differ in rows or columns")
    votes = overlap_matrix(label_map, as_label_map(classes))
    shared = votes.counts.multiply(votes.column_ids > 0).tocsr()[votes.row_ids > 0]  # background has no vote
    if not len(runs.ids):
        return runs.ids, runs.area / 1
    number = votes.column_ids[np.asarray(shared.argmax(axis=1)).ravel()]
    return number, np.asarray(shared.max(axis=1).todense()).ravel() / runs.area


def _by_mean(runs: Runs, probabilities: npt.NDArray[Any]) -> tuple[Whole, Real]:
    if len(probabilities) < 2:
        raise ValueError(f"classes need at least 2 channels, background first, not {len(probabilities)}")
    each = np.stack([intensities(runs, channel, ()).mean for channel in probabilities[1:]])
    return each.argmax(axis=0) + 1, each.max(axis=0)
