"""Split a landscape into its hills: a watershed in linear time.

The usual watershed floods a landscape pixel by pixel from a priority queue. Here every pixel belongs to the
summit that it reaches by always stepping to the highest neighbour
(:func:`~cellseg_monai.instances.climb.climb`). A summit that rises less than ``min_rise`` above the pass to a
higher one is merged into it, from the highest pass down. The remaining summits are those of the h-maxima
transform, and at least one in every foreground region.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.instances.climb import Heights, Pixels, bands, climb, forward_steps
from cellseg_monai.label_maps import LabelMap

_FEW_PASSES = 200

Passes = tuple[npt.NDArray[Any], npt.NDArray[Any], Heights]
"""Numbers of two hills and the height of the pass between them, for each pair of touching pixels."""


def basins(height: npt.NDArray[Any], foreground: npt.NDArray[np.bool_], min_rise: float) -> LabelMap:
    """Give each foreground pixel the number of its hill.

    Args:
        height: landscape without NaN, of any dimension.
        foreground: mask of the hills; pixels that touch at a corner are neighbours.
        min_rise: height by which a summit must rise above the pass to a higher one; above 0.

    Returns:
        Hills numbered from 1 without gaps, in reading order of their summits.

    Example:
        >>> landscape = np.array([[0.2, 0.9, 0.5, 0.6, 0.1, 0.8]])
        >>> basins(landscape, landscape > 0, min_rise=0.3)
        array([[1, 1, 1, 1, 2, 2]], dtype=int32)
        >>> basins(landscape, landscape > 0, min_rise=0.05)
        array([[1, 1, 1, 2, 3, 3]], dtype=int32)
    """
    inside = (slice(1, -1),) * height.ndim
    heights = np.full([side + 2 for side in height.shape], -np.inf, np.float32)
    np.copyto(heights[inside], height, where=foreground, casting="same_kind")
    numbers, summits = climb(heights)
    peaks = np.append(np.float32(-np.inf), heights.ravel()[summits])  # hills are numbered from 1
    passes = _passes(heights, numbers, peaks, min_rise)
    table = _joined(passes, peaks, min_rise) if len(passes[0]) else np.arange(len(peaks), dtype=np.int32)
    hills = np.empty(height.shape, np.int32)
    for band in bands(heights.shape):
        hills[band.start - 1 : band.stop - 1] = table.take(numbers[(band, *inside[1:])])
    return hills


def check_seed_height(seed_height: float) -> None:
    """Raise if a ``min_rise`` is out of range for heights from 0 to 1."""
    if not 0 < seed_height < 1:
        raise ValueError(f"seed_height must be above 0 and below 1, not {seed_height}")


def _passes(heights: Heights, numbers: LabelMap, peaks: Heights, min_rise: float) -> Passes:
    """Passes between neighbouring hills above which the lower hill rises too little, lowest pass first."""
    found: list[Passes] = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))]
    steps = forward_steps(heights.shape)
    flat, flat_numbers, plane = heights.ravel(), numbers.ravel(), heights[0].size
    for band in bands(heights.shape):
        own = slice(band.start * plane, (band.stop + 1) * plane - steps[-1])  # the rest is frame
        for step in steps:
            other = slice(own.start + step, own.stop + step)
            one, two = flat_numbers[own], flat_numbers[other]
            meet = np.flatnonzero((one != two) & (one > 0) & (two > 0))
            one, two = one[meet], two[meet]
            passage = np.minimum(flat[own][meet], flat[other][meet])
            low = np.minimum(peaks[one], peaks[two]) - passage < min_rise
            found.append((one[low], two[low], passage[low]))
    one, two, passage = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(passage, kind="stable")
    return one[order], two[order], passage[order]


def _joined(passes: Passes, peaks: Heights, min_rise: float) -> npt.NDArray[np.int32]:
    """New number of each hill, from 0, after low hills are merged into the higher one behind their pass.

    Most hills are merged at once: if the highest pass of a hill leads to a higher hill, no other merge can
    change that. A few rounds leave a small rest, which is merged pass by pass.
    """
    leads_to = np.arange(len(peaks))
    before = len(passes[0]) + 1
    while before > len(passes[0]) >= _FEW_PASSES:
        before = len(passes[0])
        lower, higher, passage = _by_peak(passes, peaks)
        highest_pass = np.full(len(peaks), -np.inf, np.float32)
        both = np.stack([lower, higher], axis=1).ravel()
        highest_pass[both] = passage.repeat(2)  # the last of repeated assignments wins: the highest pass
        sure = passage == highest_pass[lower]
        leads_to[lower[sure]] = higher[sure]
        leads_to = _ends(leads_to)
        passes = _remaining((leads_to[lower], leads_to[higher], passage), peaks, min_rise)
    _join_one_by_one(passes, peaks, min_rise, leads_to)
    return np.unique(_ends(leads_to), return_inverse=True)[1].astype(np.int32)


def _by_peak(passes: Passes, peaks: Heights) -> Passes:
    """Passes with the hill of the lower summit first; in a tie, the later one in reading order is lower."""
    one, two, passage = passes
    swap = (peaks[one] > peaks[two]) | ((peaks[one] == peaks[two]) & (one < two))
    return np.where(swap, two, one), np.where(swap, one, two), passage


def _remaining(passes: Passes, peaks: Heights, min_rise: float) -> Passes:
    """Passes over which hills may still merge; summits only become higher."""
    one, two, passage = passes
    keep = (one != two) & (np.minimum(peaks[one], peaks[two]) - passage < min_rise)
    return one[keep], two[keep], passage[keep]


def _join_one_by_one(passes: Passes, peaks: Heights, min_rise: float, leads_to: Pixels) -> None:
    """Merge over one pass after another, from the highest down."""
    for one, two, passage in zip(*(part[::-1].tolist() for part in passes), strict=True):
        higher, lower = _end(leads_to, one), _end(leads_to, two)
        if (peaks[lower], -lower) > (peaks[higher], -higher):
            higher, lower = lower, higher
        if higher != lower and peaks[lower] - passage < min_rise:
            leads_to[lower] = higher


def _ends(leads_to: Pixels) -> Pixels:
    """End of each chain."""
    while not np.array_equal(further := leads_to[leads_to], leads_to):
        leads_to = further
    return leads_to


def _end(leads_to: Pixels, hill: int) -> int:
    while leads_to[hill] != hill:
        leads_to[hill] = leads_to[leads_to[hill]]
        hill = int(leads_to[hill])
    return hill
