"""Which cell of a frame is which of the next: by LapTrack, the linear assignment of Jaqaman et al. (2008).

LapTrack was chosen over trackastra, whose linking is learned and brings weights and a training domain along,
and over btrack and TrackMate, which need a compiled library or Java: it is small, kept up, takes any cost.
What is added here are costs made for dividing cells, and the steps that neighbours suggest.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from cellseg_monai.analysis.measure.runs import Real
from cellseg_monai.analysis.track.cells import FrameCells, spacing
from cellseg_monai.analysis.track.drift import expected_steps

Node = tuple[int, int]
"""Frame, and place of the cell in it."""

Link = tuple[Node, Node]

# How far the middle of two daughters may be from where the mother was expected, in parts of their distance:
# 0.5 is where the mother lives on as one of them and the other came from elsewhere.
_ASYMMETRY = 0.4
_SIZES = 2.0  # how much larger one daughter may be
_GUESS_REACH = 1.5


def link_cells(
    frames: Sequence[FrameCells],
    max_distance: float | None = None,
    max_gap: int = 1,
    divisions: bool = True,
) -> list[Link]:
    """Link cells from frame to frame.

    First cells of successive frames are linked where the sum of squared distances, from where each was
    expected, is least. Then beginnings are joined to endings (a cell that was not seen for a while), or to
    cells that are linked already (a division), again all at once. A division costs (m / 0.4·s)² + (log₂ of
    the ratio of their areas)², where s is the distance of the daughters, at most twice `max_distance`, and m
    that of their middle from where the mother was expected; a cost above 1 is not taken.

    Args:
        frames: the cells of each frame.
        max_distance: of a cell from where it was expected, in pixels; by default the median distance of cells
            to the nearest of their frame.
        max_gap: frames in which a cell may be missing.
        divisions: look for them.

    Returns:
        Pairs of nodes, earlier first.

    Raises:
        RuntimeError: laptrack is not installed.
        ValueError: an argument is out of its limits.
    """
    if max_distance is not None and not max_distance > 0:
        raise ValueError(f"max_distance is a number of pixels above 0, not {max_distance}")
    if max_gap < 0:
        raise ValueError(f"max_gap is a number of frames, 0 or more, not {max_gap}")
    reach = spacing(frames) if max_distance is None else max_distance
    laptrack = _laptrack()
    if sum(len(cells.ids) > 0 for cells in frames) < 2:
        return []
    steps = [
        expected_steps(now.places, then.places, _GUESS_REACH * reach)
        for now, then in zip(frames, [*frames[1:], frames[-1]], strict=True)
    ]
    links: list[Link] = []
    linker = laptrack(cutoff=reach**2, gap_closing_cutoff=False)
    for frame, (now, then) in enumerate(pairwise(frames)):
        if len(now.ids) and len(then.ids):
            tree = linker.predict([now.places + steps[frame], then.places])
            links += [
                ((frame + one[0], int(one[1])), (frame + other[0], int(other[1])))
                for one, other in tree.edges
            ]
    joined = laptrack(
        cutoff=np.finfo(float).tiny,  # nothing further from frame to frame
        gap_closing_metric=_Gap(reach),
        gap_closing_cutoff=1.0 if max_gap else False,
        gap_closing_max_frame_count=max_gap + 1,
        splitting_metric=_Division(reach),
        splitting_cutoff=1.0 if divisions else False,
    )
    if not (max_gap or divisions):
        return sorted(links)
    tree = joined.predict(_features(frames, steps, links), connected_edges=links)
    found = [((int(a), int(b)), (int(c), int(d))) for (a, b), (c, d) in tree.edges]
    return sorted(found)


def _laptrack() -> Any:
    try:
        from laptrack import LapTrack
    except ImportError as error:
        raise RuntimeError(
            "cells are tracked by laptrack, which is not installed: pip install 'cellseg-monai[tracking]'"
        ) from error
    return LapTrack


_X, _NEXT, _AREA, _HEIR, _HEIR_AREA = slice(0, 2), slice(2, 4), 4, slice(5, 7), 7


def _features(frames: Sequence[FrameCells], steps: Sequence[Real], links: Sequence[Link]) -> list[Real]:
    """What the costs look at: place, expected place, area, and place and area of the cell it is linked to."""
    table = [
        np.column_stack(
            [cells.places, cells.places + step, cells.areas, np.full((len(cells.ids), 3), np.nan)]
        )
        for cells, step in zip(frames, steps, strict=True)
    ]
    for (frame, one), (later, other) in links:
        table[frame][one, _HEIR] = frames[later].places[other]
        table[frame][one, _HEIR_AREA] = frames[later].areas[other]
    return table


class _Gap:
    """Squared distance from where a cell was expected, as part of the greatest that is allowed."""

    def __init__(self, reach: float) -> None:
        self.reach = reach

    def __call__(self, ending: Real, beginning: Real) -> float:
        away = ending[_NEXT] - beginning[_X]
        return float(away @ away) / self.reach**2


class _Division:
    """Of a new cell as the sister of the one that its mother is linked to; NaN if she is linked to none."""

    def __init__(self, reach: float) -> None:
        self.furthest = 2 * reach

    def __call__(self, daughter: Real, mother: Real) -> float:
        between = daughter[_X] - mother[_HEIR]
        apart = float(between @ between)
        if not 0 < apart <= self.furthest**2:
            return np.inf
        off = (daughter[_X] + mother[_HEIR]) / 2 - mother[_NEXT]
        ratio = np.log(daughter[_AREA] / mother[_HEIR_AREA]) / np.log(_SIZES)
        return float(off @ off) / (_ASYMMETRY**2 * apart) + float(ratio**2)
