"""Magnified details of images with outlines, and sheets of pictures with captions."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from cellseg_monai.colours import Colours
from cellseg_monai.export.outlining import outlines
from cellseg_monai.label_maps import LabelMap, as_label_map

Colour = tuple[int, int, int]

_GAP, _LINE, _TEXT = 10, 17, 13
_MARK = 40  # where the text of the legend begins
_BEYOND = 0.85


class Layer(NamedTuple):
    """Objects to outline.

    Attributes:
        label_map: label map of the whole image.
        colour: red, green and blue of the lines.
        width: width of the lines in pixels of the picture.
        ids: objects with full lines; all others have faint ones.

    Example:
        >>> Layer(np.eye(3), (255, 0, 0), 3, (1,)).ids
        (1,)
    """

    label_map: npt.ArrayLike
    colour: Colour
    width: int
    ids: Sequence[int]


def magnified(
    image: npt.NDArray[Any], centre: tuple[float, float], size: int, layers: Sequence[Layer], side: int = 192
) -> Colours:
    """Magnify a square detail of an image and draw outlines of objects; light grey is beyond the image.

    Args:
        image: grey or RGB image, scaled to [0, 1], with the channel last if there is one.
        centre: x and y of the centre of the detail.
        size: side of the detail in pixels of the image.
        layers: objects to outline, the lowest first.
        side: side of the picture in pixels.

    Returns:
        The picture as 8-bit RGB.

    Example:
        >>> cells = np.pad([[1]], 2)
        >>> picture = magnified(np.zeros((5, 5)), (2, 2), 3, [Layer(cells, (255, 0, 0), 1, [1])], side=30)
        >>> picture.shape, picture[10, 15].tolist(), picture[15, 15].tolist()
        ((30, 30, 3), [255, 0, 0], [0, 0, 0])
    """
    maps = [as_label_map(layer.label_map) for layer in layers]
    if any(cells.shape != image.shape[:2] for cells in maps):
        raise ValueError(f"image {image.shape[:2]} and label maps differ in rows or columns")
    scale = side / size
    left, top = (round(middle + 0.5 - size / 2) for middle in centre)
    detail = _cut(np.atleast_3d(image).astype(np.float32), left, top, size, beyond=_BEYOND)
    grey = np.broadcast_to(np.clip(detail, 0, 1) * 255, (size, size, 3)).round().astype(np.uint8)
    picture = Image.fromarray(grey).resize((side, side), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(picture)
    # One pixel more on each side, so that no line runs along the edge of the picture.
    cuts = [_cut(cells, left - 1, top - 1, size + 2) for cells in maps]
    for full in (False, True):
        for layer, cut in zip(layers, cuts, strict=True):
            _draw(pen, np.where(np.isin(cut, layer.ids) == full, cut, 0), layer, full, scale)
    return np.asarray(picture)


def captioned_sheet(
    pictures: Sequence[Colours],
    captions: Sequence[str],
    legend: Sequence[tuple[str, Colour]],
    columns: int = 6,
) -> Colours:
    """Arrange pictures of the same size in rows on white, each above its caption.

    Args:
        pictures: pictures of the same size.
        captions: caption of each picture; lines that are too long are cut in the middle.
        legend: lines of text above the pictures, and the colour of the mark before each.
        columns: number of pictures in a row.

    Example:
        >>> pictures = [np.zeros((50, 60, 3), np.uint8)] * 3
        >>> captioned_sheet(pictures, ["a", "b", "c"], [("drawn", (255, 0, 0))], columns=2).shape
        (181, 150, 3)
    """
    if not pictures:
        raise ValueError("a sheet needs at least one picture")
    height, width, _ = pictures[0].shape
    columns = min(columns, len(pictures))
    lines = max(caption.count("\n") + 1 for caption in captions)
    step_x, step_y = width + _GAP, height + lines * _LINE + _GAP
    head = _GAP + len(legend) * _LINE
    rows = -(-len(pictures) // columns)
    font: Any = ImageFont.load_default(_TEXT)
    wide = max([columns * step_x, *(_MARK + round(font.getlength(text)) for text, _ in legend)]) + _GAP
    sheet = Image.new("RGB", (wide, head + rows * step_y), "white")
    pen = ImageDraw.Draw(sheet)
    for place, (text, colour) in enumerate(legend):
        top = _GAP // 2 + place * _LINE
        pen.rectangle((_GAP, top + 6, _MARK - 8, top + 10), fill=colour)
        pen.text((_MARK, top), text, fill="black", font=font)
    for place, (drawn, caption) in enumerate(zip(pictures, captions, strict=True)):
        left, top = _GAP + place % columns * step_x, head + place // columns * step_y
        sheet.paste(Image.fromarray(drawn), (left, top))
        for number, line in enumerate(caption.split("\n")):
            text = _shortened(line, width, font)
            pen.text((left, top + height + 1 + number * _LINE), text, fill="black", font=font)
    return np.asarray(sheet)


def _cut(array: npt.NDArray[Any], left: int, top: int, size: int, beyond: float = 0) -> npt.NDArray[Any]:
    """Square part of an array, with a value for what is beyond its edges."""
    part = np.full((size, size, *array.shape[2:]), beyond, array.dtype)
    inner = array[max(top, 0) : max(top + size, 0), max(left, 0) : max(left + size, 0)]
    down, right = max(-top, 0), max(-left, 0)
    part[down : down + inner.shape[0], right : right + inner.shape[1]] = inner
    return part


def _draw(pen: ImageDraw.ImageDraw, cut: LabelMap, layer: Layer, full: bool, scale: float) -> None:
    colour = layer.colour if full else tuple(round(0.55 * value) for value in layer.colour)
    for one in outlines(cut):
        for ring in one.rings:
            closed = np.vstack([ring, ring[:1]]) - 1
            corners = [(float(x), float(y)) for x, y in closed * scale]
            pen.line(corners, fill=colour, width=layer.width if full else 1, joint="curve")


def _shortened(text: str, width: int, font: Any) -> str:
    """Cut letters out of the middle until the text fits."""
    kept = len(text)
    shown = text
    while font.getlength(shown) > width and kept > 2:
        kept -= 1
        shown = f"{text[: (kept + 1) // 2]}…{text[len(text) - kept // 2 :]}"
    return shown
