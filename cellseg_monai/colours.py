"""Colours for objects and classes that colour-blind readers can tell apart."""

import numpy as np
import numpy.typing as npt
from PIL import ImageColor

# The palette of Okabe and Ito without black, which is invisible on dark images.
_PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7")
_RGB = np.array([ImageColor.getrgb(colour) for colour in _PALETTE], np.uint8)

Colours = npt.NDArray[np.uint8]
"""Red, green and blue along the last axis."""


def colours_of(ids: npt.ArrayLike) -> Colours:
    """Choose one of seven colours for each id; ids start at 1.

    Example:
        >>> colours_of([1, 2, 8]).tolist()
        [[230, 159, 0], [86, 180, 233], [230, 159, 0]]
    """
    colours: Colours = _RGB[(np.asarray(ids) - 1) % len(_RGB)]
    return colours
