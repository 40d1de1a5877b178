"""Links between cells to tracks: label maps in which a cell keeps its id, and the parent of each track."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import fastremap
import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.analysis.measure.runs import Whole, plane
from cellseg_monai.analysis.track.cells import frame_cells
from cellseg_monai.analysis.track.linking import Link, link_cells
from cellseg_monai.label_maps import LabelMap


class Tracking(NamedTuple):
    """A tracked movie.

    Attributes:
        labels: label maps in which every cell has the id of its track.
        tracks: one row per track, with ``label``, ``begin``, ``end`` and ``parent`` as in ``res_track.txt``
            of the Cell Tracking Challenge: frames count from 0, a track is present in every frame from begin
            to end, and the parent is 0 if it is not known. A division gives two tracks with the same parent.
            A cell that was missing for a while continues as a new track, the only child of the old one.
        points: one row per cell and frame: ``label``, ``frame``, ``x``, ``y``, ``area``, in pixels.

    Example:
        >>> track_cells([[[5, 0]], [[0, 9]]], max_distance=2).tracks.to_numpy().tolist()
        [[1, 0, 1, 0]]
    """

    labels: list[LabelMap]
    tracks: pd.DataFrame
    points: pd.DataFrame


def track_cells(
    label_maps: Sequence[npt.ArrayLike],
    *,
    max_distance: float | None = None,
    max_gap: int = 1,
    divisions: bool = True,
) -> Tracking:
    """Track cells through a time lapse.

    Args:
        label_maps: label maps of the frames in order; ids need not agree between frames.
        max_distance: maximum distance of a cell from where it is expected, in pixels; the median distance of
            cells to the nearest cell of their frame by default.
        max_gap: number of frames that a cell may be missing from.
        divisions: whether to detect divisions.

    Returns:
        Label maps, tracks and points.

    Raises:
        RuntimeError: laptrack is not installed: ``pip install 'cellseg-monai[tracking]'``.
        ValueError: there are no frames, frames differ in size, or an argument is out of range.

    Example:
        >>> movie = [[[7, 7, 0, 0, 0, 2]], [[0, 1, 1, 0, 0, 3]], [[0, 0, 5, 5, 0, 8]]]
        >>> tracking = track_cells(movie)
        >>> [labels.tolist() for labels in tracking.labels]
        [[[2, 2, 0, 0, 0, 1]], [[0, 2, 2, 0, 0, 1]], [[0, 0, 2, 2, 0, 1]]]
        >>> tracking.tracks.to_numpy().tolist()
        [[1, 0, 2, 0], [2, 0, 2, 0]]
    """
    maps = [plane(label_map) for label_map in label_maps]
    if not maps:
        raise ValueError("label_maps is empty; give at least one frame")
    for frame, labels in enumerate(maps):
        if labels.shape != maps[0].shape:
            raise ValueError(f"frame {frame} is {labels.shape} and frame 0 is {maps[0].shape}; crop or pad")
    frames = [frame_cells(labels) for labels in maps]
    links = link_cells(frames, max_distance, max_gap, divisions=divisions)
    names, tracks = name_tracks([len(cells.ids) for cells in frames], links)
    relabelled: list[LabelMap] = [
        fastremap.remap(labels, {0: 0, **dict(zip(cells.ids.tolist(), of_cell.tolist(), strict=True))})
        for labels, cells, of_cell in zip(maps, frames, names, strict=True)
    ]
    points = pd.concat(
        pd.DataFrame({"label": of_cell, "frame": frame, "x": x, "y": y, "area": cells.areas})
        for frame, (cells, of_cell) in enumerate(zip(frames, names, strict=True))
        for x, y in [cells.places.T]
    )
    points = points.sort_values(["label", "frame"], ignore_index=True)
    return Tracking(relabelled, tracks, points)


def name_tracks(counts: Sequence[int], links: Sequence[Link]) -> tuple[list[Whole], pd.DataFrame]:
    """Number the tracks that follow from links.

    A track continues as long as a cell has one link, to the next frame. New tracks begin after a division or
    a gap.

    Args:
        counts: number of cells in each frame.
        links: links from (frame, index of the cell) to (later frame, index of the cell).

    Returns:
        Track of each cell of each frame, and the table of tracks.

    Example:
        >>> names, tracks = name_tracks([1, 2], [((0, 0), (1, 0)), ((0, 0), (1, 1))])
        >>> names[1].tolist(), tracks["parent"].tolist()
        ([2, 3], [0, 1, 1])
    """
    heirs = Counter(one for one, _ in links)
    before = {other: one for one, other in links}
    names = [np.zeros(count, np.int64) for count in counts]
    rows: list[list[int]] = []
    for frame, count in enumerate(counts):
        for place in range(count):
            last = before.get((frame, place))
            parent = int(names[last[0]][last[1]]) if last else 0
            if last and heirs[last] == 1 and last[0] == frame - 1:
                names[frame][place] = parent
                rows[parent - 1][2] = frame
            else:
                names[frame][place] = len(rows) + 1
                rows.append([len(rows) + 1, frame, frame, parent])
    return names, pd.DataFrame(
        np.array(rows, np.int64).reshape(-1, 4), columns=["label", "begin", "end", "parent"]
    )
