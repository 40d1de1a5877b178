"""Outlines of objects drawn over the image, and several such pictures on one sheet."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.export.colours import Colours, colours_of
from cellseg_monai.label_maps import as_label_map, boundaries

__all__ = ["Colours", "contact_sheet", "outline"]


def outline(image: npt.NDArray[Any], label_map: npt.ArrayLike) -> Colours:
    """Draw the outline of every object in one of seven colours, neighbours mostly in different ones.

    Args:
        image: rows and columns, grey or red-green-blue, scaled to [0, 1].
        label_map: objects, of the same rows and columns.

    Returns:
        The picture in 8-bit colour.

    Example:
        >>> picture = outline(np.zeros((4, 4)), np.pad([[1, 1], [1, 1]], 1))
        >>> picture[1, 1].tolist(), picture[0, 0].tolist()
        ([230, 159, 0], [0, 0, 0])
    """
    labels = as_label_map(label_map)
    if image.shape[:2] != labels.shape:
        raise ValueError(f"image {image.shape[:2]} and labels {labels.shape} differ in rows or columns")
    grey = image[..., np.newaxis] if image.ndim == 2 else image
    if grey.shape[-1] not in (1, 3):
        raise ValueError(f"an image to draw on has 1 or 3 channels, not {grey.shape[-1]}; choose some")
    picture = np.repeat(grey, 3 // grey.shape[-1], axis=-1)
    drawn: Colours = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    edge = boundaries(labels)
    drawn[edge] = colours_of(labels[edge])
    return drawn


def contact_sheet(pictures: Sequence[Colours], columns: int = 8, gap: int = 2) -> Colours:
    """Lay pictures of one size out in rows on white.

    Example:
        >>> contact_sheet([np.zeros((10, 20, 3), np.uint8)] * 3, columns=2).shape
        (26, 46, 3)
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture")
    height, width = pictures[0].shape[:2]
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        if picture.shape[:2] != (height, width):
            raise ValueError(
                f"picture {index} is {picture.shape[:2]}, the first {(height, width)}: use one size"
            )
        top = gap + index // columns * (height + gap)
        left = gap + index % columns * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet
