"""The kind of each cell, and how sure that is."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.analysis.measure.intensity import means
from cellseg_monai.analysis.measure.runs import Real, Runs, Whole
from cellseg_monai.label_maps import as_label_map, overlap_matrix


class Kinds(NamedTuple):
    """The class of each cell.

    Attributes:
        number: of the class; 0 where a class map has none under the cell.
        probability: share of the cell's pixels of that class, or mean probability of it.
    """

    number: Whole
    probability: Real


def kinds_of(runs: Runs, label_map: npt.ArrayLike, classes: npt.NDArray[Any]) -> Kinds:
    """Let the pixels of each cell decide on its class.

    Args:
        runs: of the label map.
        label_map: a plane.
        classes: a class a pixel, rows and columns: the class of most pixels wins, background aside; or
            probabilities (classes, rows, columns), background first: the class of the greatest mean wins.
            Of equals the lower class wins.

    Returns:
        :class:`Kinds`.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> cells = [[4, 4, 4, 4, 0]]
        >>> found = kinds_of(runs_of(cells), cells, np.array([[2, 2, 2, 1, 1]]))
        >>> int(found.number[0]), float(found.probability[0])
        (2, 0.75)
    """
    if classes.ndim == 3:
        return _by_mean(runs, classes)
    if classes.shape != runs.shape:
        raise ValueError(
            f"classes are {classes.shape}, the label map is {runs.shape}; give a class map of that size or "
            "probabilities (classes, rows, columns)"
        )
    votes = overlap_matrix(label_map, as_label_map(classes))
    counts = votes.counts.tolil()
    counts[:, 0] = 0  # neither background pixels
    shared = counts.tocsr()[votes.row_ids > 0]
    number = votes.column_ids[np.asarray(shared.argmax(axis=1)).ravel()] if len(runs.ids) else runs.ids
    most = np.asarray(shared.max(axis=1).todense()).ravel() if len(runs.ids) else runs.ids
    return Kinds(number, most / np.maximum(runs.area, 1))


def _by_mean(runs: Runs, probabilities: npt.NDArray[Any]) -> Kinds:
    if len(probabilities) < 2:
        raise ValueError(
            f"class probabilities have the background and at least one class in front, here are "
            f"{len(probabilities)} channels; a class map has none in front"
        )
    each = np.stack([means(runs, channel) for channel in probabilities[1:]])
    return Kinds(each.argmax(axis=0) + 1, each.max(axis=0))
