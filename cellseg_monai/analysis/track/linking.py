"""Links between cells of successive frames, by LapTrack: the linear assignment of Jaqaman et al. (2008).

LapTrack is small, maintained, and accepts any cost. The alternatives were trackastra, whose linking is
learned and requires weights for a training domain, and btrack and TrackMate, which need a compiled library or
Java. This module adds costs for dividing cells, and the steps that neighbouring cells suggest.
"""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from cellseg_monai.analysis.measure.runs import Real
from cellseg_monai.analysis.track.cells import FrameCells, spacing
from cellseg_monai.analysis.track.drift import expected_steps

Node = tuple[int, int]
"""Frame, and index of the cell in it."""

Link = tuple[Node, Node]

# Maximum distance between the midpoint of two daughters and where the mother was expected, as a fraction of
# the distance between the daughters. At 0.5 one of them is the mother, and the other came from elsewhere.
_ASYMMETRY = 0.4
_SIZES = 2.0  # maximum ratio of the areas of the daughters
_GUESS_REACH = 1.5


def link_cells(
    frames: Sequence[FrameCells],
    max_distance: float | None = None,
    max_gap: int = 1,
    *,
    divisions: bool = True,
) -> list[Link]:
    """Link cells between frames.

    First, cells of successive frames are linked such that the sum of squared distances from where each cell
    was expected is minimal. Then track starts are joined, again all at once, to track ends (a cell that was
    missing for a while) or to cells that are linked already (a division). A division costs
    (m / 0.4·s)² + (log₂ of the ratio of the areas)², where s is the distance between the daughters, at most
    twice `max_distance`, and m the distance of their midpoint from where the mother was expected; costs above
    1 are rejected.

    Args:
        frames: cells of each frame.
        max_distance: maximum distance of a cell from where it is expected, in pixels; the median distance of
            cells to the nearest cell of their frame by default.
        max_gap: number of frames that a cell may be missing from.
        divisions: whether to detect divisions.

    Returns:
        Pairs of nodes, the earlier one first.

    Raises:
        RuntimeError: laptrack is not installed.
        ValueError: an argument is out of range.
    """
    if max_distance is not None and not max_distance > 0:
        raise ValueError(f"max_distance must be a positive number of pixels, not {max_distance}")
    if max_gap < 0:
        raise ValueError(f"max_gap must be at least 0 frames, not {max_gap}")
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
            links += _links(linker.predict([now.places + steps[frame], then.places]), frame)
    if not (max_gap or divisions):
        return sorted(links)
    joiner = laptrack(
        cutoff=np.finfo(float).tiny,  # no further links between successive frames
        gap_closing_metric=partial(_gap, reach),
        gap_closing_cutoff=1.0 if max_gap else False,
        gap_closing_max_frame_count=max_gap + 1,
        splitting_metric=partial(_division, 2 * reach),
        splitting_cutoff=1.0 if divisions else False,
    )
    return sorted(_links(joiner.predict(_features(frames, steps, links), connected_edges=links), 0))


def _links(tree: Any, first: int) -> list[Link]:
    """Edges of a graph by LapTrack, whose frames count from the first one."""
    return [((first + int(a), int(b)), (first + int(c), int(d))) for (a, b), (c, d) in tree.edges]


def _laptrack() -> Any:
    try:
        from laptrack import LapTrack
    except ImportError as error:
        raise RuntimeError("laptrack is not installed: pip install 'cellseg-monai[tracking]'") from error
    return LapTrack


_X, _NEXT, _AREA, _HEIR, _HEIR_AREA = slice(0, 2), slice(2, 4), 4, slice(5, 7), 7


def _features(frames: Sequence[FrameCells], steps: Sequence[Real], links: Sequence[Link]) -> list[Real]:
    """Input of the costs: place, expected place, area, and place and area of the cell that follows."""
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


def _gap(reach: float, ending: Real, beginning: Real) -> float:
    """Squared distance from where a cell was expected, as a fraction of the largest allowed."""
    away = ending[_NEXT] - beginning[_X]
    return float(away @ away) / reach**2


def _division(furthest: float, daughter: Real, mother: Real) -> float:
    """Cost of a new cell as sister of the cell that its mother is linked to; NaN if there is no link."""
    between = daughter[_X] - mother[_HEIR]
    apart = float(between @ between)
    if not 0 < apart <= furthest**2:
        return np.inf
    off = (daughter[_X] + mother[_HEIR]) / 2 - mother[_NEXT]
    ratio = np.log(daughter[_AREA] / mother[_HEIR_AREA]) / np.log(_SIZES)
    return float(off @ off) / (_ASYMMETRY**2 * apart) + float(ratio**2)
