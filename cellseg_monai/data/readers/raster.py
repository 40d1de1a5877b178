"""PNG, JPEG and BMP through Pillow."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image

from cellseg_monai.data.readers.axes import Part
from cellseg_monai.data.readers.picture import Kind, Picture, believable_size
from cellseg_monai.memory import IN_PARTS, require_room

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")

_TO_RGB = ("P", "RGBA", "CMYK", "YCbCr", "PA", "RGBX", "LAB", "HSV")


def read_raster(path: Path, kind: Kind, part: Part) -> Picture:
    """Read an image without its alpha channel, or a mask with its palette indices.

    The EXIF orientation of camera images is not applied, because masks are drawn on the stored pixels.
    """
    with Image.open(path) as image:
        require_room([*image.size, len(image.getbands())], remedy=IN_PARTS)
        dots_per_inch = image.info.get("dpi", (0, 0))
        pixels = _deep_png(path) if image.format == "PNG" else None
        if pixels is None:
            pixels = np.asarray(_without_alpha(image, kind))
    size = believable_size(tuple(25_400.0 / dots if dots > 0 else 0.0 for dots in map(float, dots_per_inch)))
    names = ("red", "green", "blue") if pixels.ndim == 3 else ()
    return Picture(pixels, "YXC"[: pixels.ndim], size, names).cut(part)


def _deep_png(path: Path) -> npt.NDArray[Any] | None:
    """Decode a 16-bit PNG with libpng; Pillow silently reduces its colours to 8 bits."""
    with path.open("rb") as file:
        depth = file.read(25)[24]
    if depth != 16:
        return None
    samples = imagecodecs.png_decode(path.read_bytes())
    if samples.ndim == 3:
        samples = samples[..., 0] if samples.shape[-1] == 2 else samples[..., :3]
    return np.asarray(samples)


def _without_alpha(image: Image.Image, kind: Kind) -> Image.Image:
    """Convert colours to RGB; a mask keeps its palette indices."""
    if image.mode == "LA" or (image.mode == "PA" and kind == "label"):
        return image.getchannel(0)
    to_rgb = image.mode in _TO_RGB if kind == "image" else image.mode == "RGBA"
    return image.convert("RGB") if to_rgb else image
