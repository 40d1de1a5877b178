"""Links between cells to tracks: label maps in which a cell keeps its id, and who came from whom."""

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
        labels: label maps in which a cell keeps the id of its track.
        tracks: one row a track, ``label``, ``begin``, ``end`` and ``parent``, as in ``res_track.txt`` of the
            Cell Tracking Challenge: frames count from 0, a track is in every frame from its first to its
            last, and the parent is 0 if none is known. A division gives two tracks with one parent. A cell
            that was not seen for a while goes on as a new track, the only one with the old as its parent.
        points: one row a cell and frame: ``label``, ``frame``, ``x``, ``y``, ``area``, in pixels.

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
    """Follow cells through a time-lapse.

    Args:
        label_maps: of the frames in their order; ids need not agree from frame to frame.
        max_distance: in pixels, how far a cell may be from where it was expected; by default the median
            distance of cells to the nearest of their frame.
        max_gap: frames in which a cell may be missing and still be the same.
        divisions: look for cells that become two.

    Returns:
        :class:`Tracking`.

    Raises:
        RuntimeError: laptrack is not installed: ``pip install 'cellseg-monai[tracking]'``.
        ValueError: there is no frame, frames differ in size, or an argument is out of its limits.

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
        raise ValueError("there is no frame to track cells in")
    for frame, labels in enumerate(maps):
        if labels.shape != maps[0].shape:
            raise ValueError(
                f"frame {frame} is {labels.shape} and frame 0 is {maps[0].shape} (rows, columns); crop or pad"
            )
    frames = [frame_cells(labels) for labels in maps]
    links = link_cells(frames, max_distance, max_gap, divisions)
    names, tracks = name_tracks([len(cells.ids) for cells in frames], links)
    relabelled = [
        _renamed(labels, cells.ids, tracks_of)
        for labels, cells, tracks_of in zip(maps, frames, names, strict=True)
    ]
    points = pd.DataFrame(
        {
            "label": np.concatenate(names),
            "frame": np.repeat(np.arange(len(frames)), [len(cells.ids) for cells in frames]),
            "x": np.concatenate([cells.places[:, 0] for cells in frames]),
            "y": np.concatenate([cells.places[:, 1] for cells in frames]),
            "area": np.concatenate([cells.areas for cells in frames]),
        }
    )
    points = points.sort_values(["label", "frame"], ignore_index=True)
    return Tracking(relabelled, tracks, points)


def name_tracks(counts: Sequence[int], links: Sequence[Link]) -> tuple[list[Whole], pd.DataFrame]:
    """Number the tracks that links make.

    A track goes on as long as a cell has one link, to the next frame. After a division or a gap new tracks
    begin.

    Args:
        counts: of cells in each frame.
        links: between (frame, place) and (later frame, place).

    Returns:
        The track of each cell of each frame, and the table of tracks.

    Example:
        >>> names, tracks = name_tracks([1, 2], [((0, 0), (1, 0)), ((0, 0), (1, 1))])
        >>> names[1].tolist(), tracks["parent"].tolist()
        ([2, 3], [0, 1, 1])
    """
    heirs: dict[tuple[int, int], int] = {}
    for one, _ in links:
        heirs[one] = heirs.get(one, 0) + 1
    before = {other: one for one, other in links}
    names = [np.zeros(count, np.int64) for count in counts]
    rows: list[list[int]] = []
    for frame, count in enumerate(counts):
        for place in range(count):
            last = before.get((frame, place))
            if last is not None and heirs[last] == 1 and last[0] == frame - 1:
                name = int(names[last[0]][last[1]])
                rows[name - 1][2] = frame
            else:
                name = len(rows) + 1
                rows.append([name, frame, frame, 0 if last is None else int(names[last[0]][last[1]])])
            names[frame][place] = name
    return names, pd.DataFrame(
        np.array(rows, np.int64).reshape(-1, 4), columns=["label", "begin", "end", "parent"]
    )


def _renamed(labels: LabelMap, ids: Whole, names: Whole) -> LabelMap:
    table = {0: 0, **dict(zip(ids.tolist(), names.tolist(), strict=True))}
    renamed: LabelMap = fastremap.remap(labels, table)
    return renamed
