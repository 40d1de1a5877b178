"""Outlines of objects drawn over their image, and contact sheets of such pictures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage
from skimage.util import montage

from cellseg_monai.colours import Colours, class_colours, colours_of
from cellseg_monai.label_maps import LabelMap, as_label_map, boundaries

_RIM = 0.45
_PIXELS_PER_WIDTH = 500


def outline(image: npt.NDArray[Any], label_map: npt.ArrayLike, width: int | None = None) -> Colours:
    """Draw the outline of every object in one of seven colours; neighbours mostly get different colours.

    The pixels around an object are darkened, so that its line stands out on bright images too.

    Args:
        image: grey or RGB image, scaled to [0, 1], with the channel last if there is one.
        label_map: label map with the same rows and columns.
        width: width of the line in pixels; it is drawn inwards, so lines of neighbours stay apart. By default
            it grows with the image, but takes at most half of an average object.

    Returns:
        The picture as 8-bit RGB.

    Example:
        >>> picture = outline(np.zeros((4, 4)), np.pad([[1, 1], [1, 1]], 1))
        >>> picture[1, 1].tolist(), picture[0, 0].tolist()
        ([230, 159, 0], [0, 0, 0])
    """
    labels = as_label_map(label_map)
    drawn = _picture(image, labels)
    width = line_width(labels) if width is None else width
    objects = labels > 0
    rim = ndimage.binary_dilation(objects, iterations=-(-width // 2)) & ~objects
    drawn[rim] = (drawn[rim] * _RIM).astype(np.uint8)
    for _ in range(width):
        edge = boundaries(labels)
        drawn[edge] = colours_of(labels[edge])
        labels = np.where(edge, 0, labels)
    return drawn


def _picture(image: npt.NDArray[Any], labels: LabelMap) -> Colours:
    """The image as 8-bit RGB."""
    if image.shape[:2] != labels.shape:
        raise ValueError(f"image {image.shape[:2]} and labels {labels.shape} differ in rows or columns")
    channels = image if image.ndim == 3 else image[..., None]
    if channels.shape[-1] not in (1, 3):
        raise ValueError(f"the image has {channels.shape[-1]} channels; choose 1 or 3 to draw on")
    picture = np.broadcast_to(channels, (*labels.shape, 3))
    drawn: Colours = (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)
    return drawn


def line_width(label_map: npt.ArrayLike) -> int:
    """Width of outlines that are visible when the whole image is on the screen, but do not fill the objects.

    Example:
        >>> cells = np.kron(np.eye(20, dtype=np.int32), np.ones((50, 50), np.int32))
        >>> line_width(cells), line_width(cells[:400, :400]), line_width(cells * 0)
        (2, 1, 2)
    """
    labels = as_label_map(label_map)
    width: int = max(1, round(max(labels.shape) / _PIXELS_PER_WIDTH))
    length = int(boundaries(labels).sum())
    widest = round(int((labels > 0).sum()) / length / 2) if length else width
    return max(1, min(width, widest))


def class_picture(
    image: npt.NDArray[Any],
    class_map: npt.ArrayLike,
    names: Mapping[int, str] | None = None,
    opacity: float = 0.4,
) -> Colours:
    """Tint the pixels of each class in its colour, with a legend below the image.

    Args:
        image: grey or RGB image, scaled to [0, 1], with the channel last if there is one.
        class_map: map of classes, with 0 for background.
        names: name of each class for the legend; by default those that occur, as ``class 1``.
        opacity: opacity of the colours.

    Returns:
        The picture as 8-bit RGB, higher than the image by its legend.

    Example:
        >>> membranes = 2 * np.eye(40, 200, dtype=int)
        >>> picture = class_picture(np.ones((40, 200)), membranes, {1: "nucleus", 2: "membrane"})
        >>> picture[0, 0].tolist(), picture[0, 1].tolist(), picture.shape
        ([86, 180, 233], [255, 255, 255], (62, 200, 3))
    """
    labels = as_label_map(class_map)
    drawn = _picture(image, labels).astype(np.float32)
    inside = labels > 0
    drawn[inside] = (1 - opacity) * drawn[inside] + opacity * class_colours(labels[inside])
    width = line_width(labels)
    edge = boundaries(labels)
    edge = ndimage.binary_dilation(edge, iterations=width - 1) & inside if width > 1 else edge
    drawn[edge] = class_colours(labels[edge])
    if names is None:
        names = {number: f"class {number}" for number in np.unique(labels[inside]).tolist()}
    return with_class_legend(drawn.round().astype(np.uint8), names)


def with_class_legend(picture: Colours, names: Mapping[int, str]) -> Colours:
    """Write the names of classes beside their colours below a picture, in as many lines as the width needs.

    Args:
        picture: picture as 8-bit RGB.
        names: name of each class; class 0 is left out.

    Example:
        >>> with_class_legend(np.zeros((50, 80, 3), np.uint8), {1: "nucleus", 2: "membrane"}).shape
        (94, 80, 3)
    """
    entries = [(name, class_colours([number])[0]) for number, name in names.items() if number > 0]
    rows, columns, _ = picture.shape
    size = max(12, round(max(rows, columns) / 50))
    font: Any = ImageFont.load_default(size)
    line, gap = round(1.8 * size), size // 2
    places, left, top = [], gap, 0
    for name, _ in entries:
        wide = round(size + gap + font.getlength(name) + 2 * gap)
        if left > gap and left + wide > columns:
            left, top = gap, top + line
        places.append((left, top))
        left += wide
    band = Image.new("RGB", (columns, top + line if entries else 0), "white")
    pen = ImageDraw.Draw(band)
    for (name, colour), (x, y) in zip(entries, places, strict=True):
        upper = y + (line - size) // 2
        pen.rectangle((x, upper, x + size, upper + size), fill=tuple(colour.tolist()), outline="black")
        pen.text((x + size + gap, y + line // 2), name, "black", font, anchor="lm")
    return np.vstack([picture, np.asarray(band).reshape(-1, columns, 3)])


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
