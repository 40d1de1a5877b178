"""Arrays to pictures in the page: the image, and objects on transparent layers above it."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from cellseg_monai.colours import class_colours
from cellseg_monai.label_maps import as_label_map, boundaries

Mask = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]

_EDGE = 128

LONGEST = 700
"""Longer side of a picture in pixels."""


def base_picture(image: npt.NDArray[Any], longest: int = LONGEST) -> str:
    """An image as a data URI, resized to a common size: RGB as JPEG, grey as PNG.

    Args:
        image: grey or RGB image, scaled to [0, 1].
        longest: longer side of the picture in pixels.

    Returns:
        Data URI, for the ``src`` of an image.

    Example:
        >>> base_picture(np.zeros((4, 6)))[:22]
        'data:image/png;base64,'
    """
    if image.ndim not in (2, 3) or (image.ndim == 3 and image.shape[2] != 3):
        raise ValueError(f"a picture must be grey or RGB, but this one has shape {image.shape}")
    pixels = (np.clip(np.nan_to_num(image), 0, 1) * 255).round().astype(np.uint8)
    shrinks = max(image.shape[:2]) > longest
    method = Image.Resampling.LANCZOS if shrinks else Image.Resampling.NEAREST
    return _uri(_resized(pixels, longest, method), "JPEG" if image.ndim == 3 else "PNG")


def heat_picture(values: npt.NDArray[Any], longest: int = LONGEST) -> str:
    """Values from 0 to 1 as a data URI, from dark blue to yellow, in an order that colour-blind readers see.

    Example:
        >>> heat_picture(np.zeros((4, 6)))[:22]
        'data:image/png;base64,'
    """
    # Samples of the cividis colour map (Nuñez, Anderton and Renslow 2018).
    anchors = np.array([[0, 34, 78], [66, 78, 108], [125, 124, 120], [188, 175, 111], [254, 232, 56]], float)
    places = np.linspace(0, 1, len(anchors))
    palette = np.stack([np.interp(np.linspace(0, 1, 256), places, anchors[:, c]) for c in range(3)], axis=1)
    index = (np.clip(np.nan_to_num(values), 0, 1) * 255).round().astype(np.uint8)
    image = _resized(index, longest, Image.Resampling.BILINEAR)
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
    """Outlines of objects on a transparent layer, with the size of :func:`base_picture`.

    Outlines have a dark rim, so that they stand out on bright and on dark images.

    Args:
        label_map: label map of the objects.
        colour: colour of outlines and filling.
        fill: opacity of the filling, from 0 to 255.
        width: width of an outline in pixels.
        dashed: whether outlines are dashed.
        longest: longer side of the picture in pixels.

    Returns:
        Data URI, for the ``src`` of an image.

    Example:
        >>> object_layer(np.pad([[1]], 3), (255, 255, 255))[:22]
        'data:image/png;base64,'
    """
    labels = as_label_map(label_map)
    shown = np.asarray(_resized(labels, longest, Image.Resampling.NEAREST))
    edge = boundaries(shown)
    if width > 1:
        edge = ndimage.binary_dilation(edge, iterations=width - 1) & (shown > 0)
    rim = ndimage.binary_dilation(edge) & ~edge
    if dashed:
        row, column = np.ogrid[: shown.shape[0], : shown.shape[1]]
        gap = ((row + column) // 12 + (row - column) // 12) % 2 == 0
        edge, rim = edge & ~gap, rim & ~gap
    return _layer(shown > 0, edge, rim, colour, fill)


def mask_layer(mask: npt.NDArray[Any], colour: Colour, *, fill: int = 150, longest: int = LONGEST) -> str:
    """A mask on a transparent layer, without outlines.

    Example:
        >>> mask_layer(np.eye(4) > 0, (255, 255, 255))[:22]
        'data:image/png;base64,'
    """
    shown = np.asarray(_resized(np.asarray(mask, np.uint8), longest, Image.Resampling.NEAREST)) > 0
    nothing = np.zeros_like(shown)
    return _layer(shown, nothing, nothing, colour, fill)


def class_layer(class_map: npt.ArrayLike, *, fill: int = 110, longest: int = LONGEST) -> str:
    """The classes of the pixels in their colours, with opaque borders, on a transparent layer.

    Args:
        class_map: map of up to 127 classes, with 0 for background.
        fill: opacity of the classes, from 0 to 255.
        longest: longer side of the picture in pixels.

    Returns:
        Data URI, for the ``src`` of an image.

    Example:
        >>> class_layer(np.eye(4, dtype=int))[:22]
        'data:image/png;base64,'
    """
    shown = np.asarray(_resized(as_label_map(class_map), longest, Image.Resampling.NEAREST))
    image = Image.fromarray((shown + _EDGE * boundaries(shown)).astype(np.uint8))
    palette = class_colours(np.arange(_EDGE))  # the first entry is transparent
    image.putpalette(np.vstack([palette, palette]).tobytes())
    return _uri(image, "PNG", transparency=bytes([0, *[fill] * (_EDGE - 1), *[255] * _EDGE]))


def _layer(inside: Mask, edge: Mask, rim: Mask, colour: Colour, fill: int) -> str:
    index = np.zeros(inside.shape, np.uint8)
    index[inside] = 1
    index[rim] = 2
    index[edge] = 3
    image = Image.fromarray(index)
    image.putpalette([0, 0, 0, *colour, 0, 0, 0, *colour])
    return _uri(image, "PNG", transparency=bytes([0, fill, 130, 255]))


def _resized(pixels: npt.NDArray[Any], longest: int, method: Image.Resampling) -> Image.Image:
    scale = longest / max(pixels.shape[:2])
    rows, columns = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return Image.fromarray(pixels).resize((columns, rows), method)


def _uri(image: Image.Image, kind: str, **options: Any) -> str:
    buffer = BytesIO()
    more: dict[str, Any] = {"quality": 88} if kind == "JPEG" else {"optimize": True}
    image.save(buffer, kind, **more, **options)
    return f"data:image/{kind.lower()};base64,{b64encode(buffer.getvalue()).decode()}"
