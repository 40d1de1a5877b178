"""Cut a landscape into its hills: a watershed in linear time.

A priority queue floods a landscape pixel by pixel. Here every pixel looks at its neighbours once, in whole
arrays: it belongs to the summit that it reaches by always stepping to the highest neighbour. A summit that
rises less than ``min_rise`` above the pass to a higher one is joined to it, from the highest pass down. So
remain the summits that the h-maxima transform keeps, and at least one in every piece of foreground.
"""

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cellseg_monai.label_maps import LabelMap

_PIXELS_AT_ONCE = 1 << 16  # several arrays of this length stay in a processor's cache

Heights = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.int64]
Passes = tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Heights]
"""Lower and higher number of two hills, and the height of the pass between them."""


def basins(height: npt.NDArray[Any], foreground: npt.NDArray[np.bool_], min_rise: float) -> LabelMap:
    """Give each foreground pixel the number of its hill.

    Args:
        height: the landscape, without NaN, of any dimension.
        foreground: where hills are; pixels that touch by a corner are neighbours.
        min_rise: how far a summit must rise above the pass to a higher one; above 0.

    Returns:
        Hills numbered from 1 without gaps, in the order in which reading row by row meets their summits.

    Example:
        >>> landscape = np.array([[0.2, 0.9, 0.5, 0.6, 0.1, 0.8]])
        >>> basins(landscape, landscape > 0, min_rise=0.3)
        array([[1, 1, 1, 1, 2, 2]], dtype=int32)
        >>> basins(landscape, landscape > 0, min_rise=0.05)
        array([[1, 1, 1, 2, 3, 3]], dtype=int32)
    """
    inside = (slice(1, -1),) * height.ndim
    framed = np.full([side + 2 for side in height.shape], -np.inf, np.float32)
    np.copyto(framed[inside], height, where=foreground, casting="same_kind")
    heights = framed.ravel()
    pixels = np.flatnonzero(heights > -np.inf)
    steps = neighbour_steps(framed.shape)

    numbers, summits = _climb(heights, pixels, steps)
    passes = _passes(heights, numbers, pixels, steps, heights[summits], min_rise)
    numbers = _joined(passes, heights[summits], min_rise)[numbers]
    return np.ascontiguousarray(numbers.reshape(framed.shape)[inside])


def neighbour_steps(shape: tuple[int, ...]) -> list[int]:
    """Steps in a flattened array from a pixel to its neighbours by side or corner, and to itself, ascending.

    Example:
        >>> neighbour_steps((5, 10))
        [-11, -10, -9, -1, 0, 1, 9, 10, 11]
    """
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]
    return sorted(int(np.dot(shift, strides)) for shift in product((-1, 0, 1), repeat=len(shape)))


def _climb(heights: Heights, pixels: Pixels, steps: list[int]) -> tuple[LabelMap, Pixels]:
    """The number of the summit above each pixel, and where the summits are."""
    above = np.zeros(heights.size, pixels.dtype if heights.size > np.iinfo(np.int32).max else np.int32)
    for here in _parts(pixels):
        highest = np.full(len(here), -np.inf, np.float32)
        to_highest = np.zeros(len(here), above.dtype)
        for step in reversed(steps):  # of equal heights the first in reading order, so no walk is a circle
            height = heights[here + step]
            higher = height >= highest
            np.copyto(highest, height, where=higher)
            np.copyto(to_highest, step, where=higher, casting="unsafe")
        above[here] = here + to_highest
    walking = pixels
    while len(walking):  # each round doubles the stride
        still = []
        for here in _parts(walking):
            one = above[here]
            two = above[one]
            above[here] = two
            still.append(here[one != two])
        walking = np.concatenate(still)
    summits = pixels[np.concatenate([above[here] == here for here in _parts(pixels)] or [[]]).astype(bool)]
    numbers = np.zeros(heights.size, np.int32)
    numbers[summits] = np.arange(1, len(summits) + 1)
    for here in _parts(pixels):
        numbers[here] = numbers[above[here]]
    return numbers, summits


def _passes(
    heights: Heights, numbers: LabelMap, pixels: Pixels, steps: list[int], peaks: Heights, min_rise: float
) -> Passes:
    """The highest pass of each two neighbouring hills, if the lower one rises too little above it."""
    found: list[Passes] = []
    for here in _parts(pixels):
        own, own_height = numbers[here], heights[here]
        for step in steps[len(steps) // 2 + 1 :]:
            other = numbers[here + step]
            meet = np.flatnonzero((own != other) & (other > 0))
            one, two = own[meet], other[meet]
            passage = np.minimum(own_height[meet], heights[here[meet] + step])
            low = np.minimum(peaks[one - 1], peaks[two - 1]) - passage < min_rise
            one, two = one[low], two[low]
            found.append((np.minimum(one, two), np.maximum(one, two), passage[low]))
    if not found:
        return np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32)
    one, two, passage = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.lexsort((passage, two, one))
    one, two, passage = one[order], two[order], passage[order]
    highest = np.ones(len(one), bool)
    highest[:-1] = (one[1:] != one[:-1]) | (two[1:] != two[:-1])
    return one[highest], two[highest], passage[highest]


def _joined(passes: Passes, peaks: Heights, min_rise: float) -> npt.NDArray[np.int32]:
    """The new number of each hill, 0 first, after small hills went to the higher one beyond their pass."""
    one, two, passage = _spanning(passes, len(peaks))
    leads_to = list(range(len(peaks) + 1))
    peak = [-np.inf, *peaks.tolist()]
    for first, second, height in zip(one.tolist(), two.tolist(), passage.tolist(), strict=True):
        higher, lower = _end(leads_to, first), _end(leads_to, second)
        if (peak[lower], -lower) > (peak[higher], -higher):
            higher, lower = lower, higher
        if higher != lower and peak[lower] - height < min_rise:
            leads_to[lower] = higher
    ends = np.array([_end(leads_to, hill) for hill in leads_to])
    return np.unique(ends, return_inverse=True)[1].astype(np.int32)


def _spanning(passes: Passes, hills: int) -> Passes:
    """Passes from the highest down, without those whose hills are linked by higher ones already."""
    one, two, passage = passes
    if not len(one):
        return passes
    levels, rank = np.unique(-passage, return_inverse=True)
    graph = sparse.csr_array((rank + 1.0, (one, two)), shape=(hills + 1, hills + 1))
    tree = sparse.csgraph.minimum_spanning_tree(graph).tocoo()
    order = np.argsort(tree.data, kind="stable")
    return tree.row[order], tree.col[order], -levels[tree.data[order].astype(np.int64) - 1]


def _end(leads_to: list[int], hill: int) -> int:
    while leads_to[hill] != hill:
        leads_to[hill] = leads_to[leads_to[hill]]
        hill = leads_to[hill]
    return hill


def _parts(pixels: Pixels) -> list[Pixels]:
    return [pixels[start : start + _PIXELS_AT_ONCE] for start in range(0, len(pixels), _PIXELS_AT_ONCE)]
