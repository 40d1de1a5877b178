"""Outlines of objects drawn over their image, and contact sheets of such pictures."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.util import montage

from cellseg_monai.colours import Colours, colours_of
from cellseg_monai.label_maps import as_label_map, boundaries


def outline(image: npt.NDArray[Any], label_map: npt.ArrayLike, width: int = 1) -> Colours:
    """Draw the outline of every object in one of seven colours; neighbours mostly get different colours.

    Args:
        image: grey or RGB image, scaled to [0, 1], with the channel last if there is one.
        label_map: label map with the same rows and columns.
        width: width of the line in pixels; it is drawn inwards, so lines of neighbours stay apart.

    Returns:
        The picture as 8-bit RGB.

    Example:
        >>> picture = outline(np.zeros((4, 4)), np.pad([[1, 1], [1, 1]], 1))
        >>> picture[1, 1].tolist(), picture[0, 0].tolist()
        ([230, 159, 0], [0, 0, 0])
    """
    labels = as_label_map(label_map)
    if image.shape[:2] != labels.shape:
        raise ValueError(f"image {image.shape[:2]} and labels {labels.shape} differ in rows or columns")
    channels = image if image.ndim == 3 else image[..., None]
    if channels.shape[-1] not in (1, 3):
        raise ValueError(f"the image has {channels.shape[-1]} channels; choose 1 or 3 to draw on")
    picture = np.broadcast_to(channels, (*labels.shape, 3))
    drawn: Colours = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    for _ in range(width):
        edge = boundaries(labels)
        drawn[edge] = colours_of(labels[edge])
        labels = np.where(edge, 0, labels)
    return drawn


def contact_sheet(pictures: Sequence[Colours], columns: int = 8, gap: int = 2) -> Colours:
    """Arrange pictures of the same size in rows on white.

    Example:
        >>> contact_sheet([np.zeros((10, 20, 3), np.uint8)] * 3, columns=2).shape
        (26, 46, 3)
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture")
    for index, picture in enumerate(pictures):
        if picture.shape != pictures[0].shape:
            raise ValueError(f"picture {index} has shape {picture.shape}, the first has {pictures[0].shape}")
    columns = min(columns, len(pictures))
    grid = (-(-len(pictures) // columns), columns)
    sheet: Colours = montage(
        pictures, fill=(255, 255, 255), grid_shape=grid, padding_width=gap, channel_axis=-1
    )
    return sheet
