"""Colours for objects and classes that colour-blind readers can tell apart."""

import numpy as np
import numpy.typing as npt

# The palette of Okabe and Ito without black, which is invisible on dark images.
PALETTE = np.array(
    [
        [230, 159, 0],
        [86, 180, 233],
        [0, 158, 115],
        [240, 228, 66],
        [0, 114, 178],
        [213, 94, 0],
        [204, 121, 167],
    ],
    np.uint8,
)

Colours = npt.NDArray[np.uint8]
"""Red, green and blue along the last axis."""


def colours_of(ids: npt.ArrayLike) -> Colours:
    """Choose one of seven colours for each id; ids start at 1.

    Example:
        >>> colours_of([1, 2, 8]).tolist()
        [[230, 159, 0], [86, 180, 233], [230, 159, 0]]
    """
    colours: Colours = PALETTE[(np.asarray(ids) - 1) % len(PALETTE)]
    return colours
