"""Arrays to pictures inside the page: the image below, objects above it on transparent layers."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from cellseg_monai.label_maps import as_label_map, boundaries

Mask = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]

LONGEST = 700
"""Pixels of the longer side of a picture."""


def base_picture(image: npt.NDArray[Any], longest: int = LONGEST) -> str:
    """An image as a data URI, brought to a common size: colours as JPEG, grey as PNG.

    Args:
        image: rows and columns, grey or red-green-blue, scaled to [0, 1].
        longest: pixels of the longer side.

    Returns:
        For ``src``.

    Example:
        >>> base_picture(np.zeros((4, 6)))[:22]
        'data:image/png;base64,'
    """
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"a picture is grey or has 3 colours, this one has the shape {image.shape}")
    pixels = (np.clip(np.nan_to_num(image), 0, 1) * 255).round().astype(np.uint8)
    rows, columns = _shown_size(image.shape, longest)
    shrinks = columns < image.shape[1]
    resized = Image.fromarray(pixels).resize(
        (columns, rows), Image.Resampling.LANCZOS if shrinks else Image.Resampling.NEAREST
    )
    return _uri(resized, "JPEG" if image.ndim == 3 else "PNG")


def heat_picture(values: npt.NDArray[Any], longest: int = LONGEST) -> str:
    """Values from 0 to 1 as a data URI, dark blue over grey to yellow, which all eyes can order.

    Example:
        >>> heat_picture(np.zeros((4, 6)))[:22]
        'data:image/png;base64,'
    """
    # Anchors of the cividis scale (Nuñez, Anderton and Renslow 2018).
    anchors = np.array([[0, 34, 78], [66, 78, 108], [125, 124, 120], [188, 175, 111], [254, 232, 56]], float)
    places = np.linspace(0, 1, len(anchors))
    palette = np.stack([np.interp(np.linspace(0, 1, 256), places, anchors[:, c]) for c in range(3)], axis=1)
    index = (np.clip(np.nan_to_num(values), 0, 1) * 255).round().astype(np.uint8)
    rows, columns = _shown_size(values.shape, longest)
    image = Image.fromarray(index).resize((columns, rows), Image.Resampling.BILINEAR)
    image.putpalette(palette.round().astype(np.uint8).tobytes())
    return _uri(image, "PNG")


def object_layer(
    label_map: npt.ArrayLike,
    colour: Colour,
    *,
    fill: int = 0,
    width: int = 3,
    dashed: bool = False,
    longest: int = LONGEST,
) -> str:
    """Outlines of objects on a transparent layer, in the size that :func:`base_picture` has.

    Outlines have a dark rim, so that they are seen on bright and on dark images.

    Args:
        label_map: objects to draw.
        colour: of the outlines and the filling.
        fill: how much of the image the filling covers, 0 (nothing) to 255.
        width: pixels of an outline.
        dashed: interrupt the outlines.
        longest: as for the image.

    Returns:
        For ``src``.

    Example:
        >>> object_layer(np.pad([[1]], 3), (255, 255, 255))[:22]
        'data:image/png;base64,'
    """
    labels = as_label_map(label_map)
    rows, columns = _shown_size(labels.shape, longest)
    shown = labels[np.ix_(_nearest(labels.shape[0], rows), _nearest(labels.shape[1], columns))]
    edge = boundaries(shown)
    if width > 1:
        edge = ndimage.binary_dilation(edge, iterations=width - 1) & (shown > 0)
    rim = ndimage.binary_dilation(edge) & ~edge
    if dashed:
        row, column = np.ogrid[:rows, :columns]
        gap = ((row + column) // 12 + (row - column) // 12) % 2 == 0
        edge, rim = edge & ~gap, rim & ~gap
    return _layer(shown > 0, edge, rim, colour, fill)


def mask_layer(mask: npt.NDArray[Any], colour: Colour, *, fill: int = 150, longest: int = LONGEST) -> str:
    """Pixels of a mask on a transparent layer, without outlines.

    Example:
        >>> mask_layer(np.eye(4) > 0, (255, 255, 255))[:22]
        'data:image/png;base64,'
    """
    rows, columns = _shown_size(mask.shape, longest)
    shown = np.asarray(mask[np.ix_(_nearest(mask.shape[0], rows), _nearest(mask.shape[1], columns))], bool)
    nothing = np.zeros_like(shown)
    return _layer(shown, nothing, nothing, colour, fill)


def _layer(inside: Mask, edge: Mask, rim: Mask, colour: Colour, fill: int) -> str:
    index = np.zeros(inside.shape, np.uint8)
    index[inside] = 1
    index[rim] = 2
    index[edge] = 3
    image = Image.fromarray(index)
    image.putpalette([0, 0, 0, *colour, 0, 0, 0, *colour])
    return _uri(image, "PNG", transparency=bytes([0, fill, 130, 255]))


def _shown_size(shape: tuple[int, ...], longest: int) -> tuple[int, int]:
    rows, columns = shape[0], shape[1]
    scale = longest / max(rows, columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def _nearest(have: int, want: int) -> npt.NDArray[np.int64]:
    places: npt.NDArray[np.int64] = ((np.arange(want) + 0.5) * have / want).astype(np.int64)
    return places


def _uri(image: Image.Image, kind: str, **options: Any) -> str:
    buffer = BytesIO()
    more: dict[str, Any] = {"quality": 88} if kind == "JPEG" else {"optimize": True}
    image.save(buffer, kind, **more, **options)
    return f"data:image/{kind.lower()};base64,{b64encode(buffer.getvalue()).decode()}"
