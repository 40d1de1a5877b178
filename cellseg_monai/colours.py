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


def class_colours(classes: npt.ArrayLike) -> Colours:
    """Choose the colour of each class; classes start at 1.

    The first seven are those of objects. They return darker, and then paler, for further classes.

    Example:
        >>> class_colours([1, 8, 15]).tolist()
        [[230, 159, 0], [126, 87, 0], [242, 207, 128]]
    """
    first = colours_of(classes).astype(np.float32)
    turn = (np.asarray(classes)[..., None] - 1) // len(_RGB) % 3
    colours: Colours = (
        np.where(turn == 0, first, np.where(turn == 1, 0.55 * first, (first + 255) / 2))
        .round()
        .astype(np.uint8)
    )
    return colours
