"""Assign each pixel of a landscape to the summit that it reaches by stepping to the highest neighbour.

The work is done on whole arrays, one band of rows at a time, so that the data stay in the processor cache.
The time per pixel therefore hardly grows from one megapixel to a hundred.
"""

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap

_PIXELS_AT_ONCE = 1 << 16
_ROUNDS_IN_CACHE = 6  # enough for nearly all pixels of cells of a hundred pixels

Heights = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.int64]


def climb(heights: Heights) -> tuple[LabelMap, Pixels]:
    """Number the summits, and give each pixel the number of its summit.

    Args:
        heights: landscape within a frame of -inf, one pixel wide; -inf also marks pixels outside it.

    Returns:
        Numbers of the summits, from 1 in reading order and 0 outside the landscape, and the positions of the
        summits in the flattened array.

    Example:
        >>> framed = np.full((3, 7), -np.inf, np.float32)
        >>> framed[1, 1:-1] = 0.2, 0.9, 0.5, 0.6, 0.1
        >>> numbers, summits = climb(framed)
        >>> numbers[1], summits
        (array([0, 1, 1, 1, 2, 2, 0], dtype=int32), array([ 9, 11]))
    """
    above = _highest_neighbours(heights)
    _double_strides(above, heights)
    found = []
    for band in bands(heights.shape):
        here = _pixels(heights, band)
        found.append(here[above.ravel()[here] == here])
    summits = np.concatenate([np.empty(0, np.int64), *found])
    numbers = np.zeros(heights.shape, np.int32)
    flat, flat_above = numbers.ravel(), above.ravel()
    flat[summits] = np.arange(1, len(summits) + 1)
    for band in bands(heights.shape):
        here = _pixels(heights, band)
        flat[here] = flat[flat_above[here]]
    return numbers, summits


def bands(shape: tuple[int, ...]) -> list[slice]:
    """Bands of rows (planes of a volume) inside the frame that fit into the processor cache.

    Example:
        >>> bands((5, 40_000))
        [slice(1, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    rows = max(1, _PIXELS_AT_ONCE // int(np.prod(shape[1:])))
    return [slice(start, min(start + rows, shape[0] - 1)) for start in range(1, shape[0] - 1, rows)]


def forward_steps(shape: tuple[int, ...]) -> list[int]:
    """Offsets in the flattened array from a pixel to its later neighbours, by side or corner.

    Example:
        >>> forward_steps((5, 10))
        [1, 9, 10, 11]
    """
    return [step for step in _steps(shape).tolist() if step > 0]


def _steps(shape: tuple[int, ...]) -> Pixels:
    """Offsets in the flattened array from a pixel to its 3 × 3 (× 3) neighbourhood, in reading order."""
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]
    return np.array([np.dot(shift, strides) for shift in product((-1, 0, 1), repeat=len(shape))])


def _highest_neighbours(heights: Heights) -> npt.NDArray[Any]:
    """Position in the flattened array of the highest among each pixel and its neighbours.

    In a tie the first in reading order wins, so no walk is circular.
    """
    dtype = np.int32 if heights.size <= np.iinfo(np.int32).max else np.int64
    above = np.zeros(heights.shape, dtype)
    inside = (slice(1, -1),) * (heights.ndim - 1)
    steps = _steps(heights.shape).astype(dtype)
    index = np.arange(heights[0].size, dtype=dtype).reshape(heights.shape[1:])[inside]
    for band in bands(heights.shape):
        rows = np.arange(band.start, band.stop, dtype=dtype).reshape(-1, *[1] * index.ndim)
        places = above[(band, *inside)]
        np.add(index, rows * dtype(heights[0].size), out=places)
        places += steps.take(_highest_of_cubes(heights[band.start - 1 : band.stop + 1]))
    return above


def _highest_of_cubes(heights: Heights) -> npt.NDArray[np.uint8]:
    """Index, in reading order, of the highest pixel in the 3 × 3 (× 3) neighbourhood of each pixel.

    It is found axis by axis: first the highest of three pixels in a line, then of three such lines.
    """
    number: npt.NDArray[np.uint8] | None = None
    for done, axis in enumerate(reversed(range(heights.ndim))):
        first, middle, last = (_part(heights, axis, start) for start in range(3))
        above_first = middle > first
        highest = np.maximum(first, middle)
        above_both = last > highest
        chosen = np.maximum(above_first.view(np.uint8), above_both.view(np.uint8) << 1)
        chosen *= np.uint8(3**done)
        if number is not None:
            numbers = [_part(number, axis, start) for start in range(3)]
            chosen += np.where(above_both, numbers[2], np.where(above_first, numbers[1], numbers[0]))
        heights, number = np.maximum(highest, last), chosen
    assert number is not None
    return number


def _part(array: npt.NDArray[Any], axis: int, start: int) -> npt.NDArray[Any]:
    """The array without two of its elements along an axis."""
    return array[(slice(None),) * axis + (slice(start, array.shape[axis] - 2 + start),)]


def _double_strides(above: npt.NDArray[Any], heights: Heights) -> None:
    """Let each pixel point to the end of its walk; each round doubles the length of all strides."""
    flat = above.ravel()

    def stride(here: Pixels) -> Pixels:
        one = flat[here]
        two = flat[one]
        flat[here] = two
        still: Pixels = here[one != two]
        return still

    walking = []
    for band in bands(heights.shape):
        here = _pixels(heights, band)
        for _ in range(_ROUNDS_IN_CACHE):
            here = stride(here)
        walking.append(here)
    while walking := [here for here in walking if len(here)]:
        walking = [stride(here) for here in walking]


def _pixels(heights: Heights, band: slice) -> Pixels:
    """Positions of the pixels of the landscape in a band."""
    places: Pixels = np.flatnonzero(heights[band] > -np.inf) + band.start * heights[0].size
    return places
