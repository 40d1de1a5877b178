"""Cells of each frame as points."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import KDTree

from cellseg_monai.analysis.measure.moments import centroids
from cellseg_monai.analysis.measure.runs import Real, Whole, runs_of


class FrameCells(NamedTuple):
    """Cells of a frame.

    Attributes:
        ids: ids in ascending order.
        places: centroids, one row (x, y) per cell.
        areas: areas in pixels.
    """

    ids: Whole
    places: Real
    areas: Whole


def frame_cells(label_map: npt.ArrayLike) -> FrameCells:
    """Find the cells of a frame.

    Example:
        >>> frame_cells([[0, 3, 3], [0, 3, 3]]).places.tolist()
        [[1.5, 0.5]]
    """
    runs = runs_of(label_map)
    row, column = centroids(runs)
    return FrameCells(runs.ids, np.stack([column, row], axis=1), runs.area)


def spacing(frames: Sequence[FrameCells]) -> float:
    """Median distance of cells to the nearest cell of their frame.

    If no frame has two cells, the median diameter of the cells; 1 pixel if there are no cells.

    Example:
        >>> spacing([frame_cells([[1, 0, 0, 2, 0, 3]])])
        2.0
    """
    nearest = [
        np.asarray(KDTree(cells.places).query(cells.places, 2)[0])[:, 1]
        for cells in frames
        if len(cells.ids) > 1
    ]
    if nearest:
        return float(np.median(np.concatenate(nearest)))
    areas = np.concatenate([cells.areas for cells in frames])
    return float(2 * np.sqrt(np.median(areas if len(areas) else np.pi / 4) / np.pi))
