"""Where each cell is expected in the next frame: where its neighbourhood moves.

Cells of a tissue move together, and so do all cells if the stage slips. Their pattern shows how far: shifted
by the right step, the neighbours of a cell lie on cells of the next frame as well.
"""

from typing import Any

import numpy as np
from scipy.spatial import KDTree

from cellseg_monai.analysis.measure.runs import Real, first_of

_NEIGHBOURS = 12
_VOTERS = 15
_SHORTER_IS_LIKELIER = 0.01
_FEWEST = 4


def expected_steps(places: Real, later: Real, reach: float) -> Real:
    """How far each cell is likely to move.

    Each cell considers every step of at most `reach` that leads to a cell of the next frame. The cost of a
    step is mean(min(r, c)²) + 0.01·|step|², where r is the distance of its 12 nearest neighbours, shifted by
    the step, from a cell of the next frame, and c = reach / 3. The cell guesses the step with the lowest
    cost, and the expected step is the median guess of the 15 cells around it.

    Args:
        places: centroids (x, y) of the cells of a frame.
        later: centroids of the cells of the next frame.
        reach: maximum length of a step.

    Returns:
        One step (x, y) per cell; 0 if there are fewer than four cells.

    Example:
        >>> places = np.random.default_rng(0).uniform(0, 100, (40, 2))
        >>> np.abs(expected_steps(places, places + [6, -3], 20) - [6, -3]).max() < 1e-6
        np.True_
    """
    steps = np.zeros_like(places)
    if len(places) < _FEWEST or not len(later):
        return steps
    now, then = KDTree(places), KDTree(later)
    around = np.asarray(now.query(places, min(_NEIGHBOURS, len(places) - 1) + 1)[1])[:, 1:]
    candidates: Any = then.query_ball_point(places, reach)  # a list of indices for each cell
    cell = np.repeat(np.arange(len(places)), [len(found) for found in candidates])
    if not len(cell):
        return steps
    step = later[np.concatenate([np.asarray(found, np.int64) for found in candidates])] - places[cell]
    shifted = places[around[cell]] + step[:, None]
    missed = np.minimum(np.asarray(then.query(shifted)[0]), reach / 3)
    cost = (missed**2).mean(axis=1) + _SHORTER_IS_LIKELIER * (step**2).sum(axis=1)
    order = np.lexsort([cost, cell])
    best = order[first_of(cell[order])]
    voters = np.asarray(KDTree(places[cell[best]]).query(places, min(_VOTERS, len(best)))[1])
    voters = voters.reshape(len(places), -1)
    expected: Real = np.median(step[best][voters], axis=1)
    return expected
