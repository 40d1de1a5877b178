"""PNG, JPEG and BMP through Pillow."""

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
from PIL import Image

from cellseg_monai.data.readers.picture import Kind, Picture, believable_size

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")

_CHANNEL_NAMES = {3: ("red", "green", "blue")}
_PNG_COLOUR = {2: 3, 4: 1, 6: 3}  # PNG colour types with several samples a pixel -> how many are not alpha


def read_raster(path: Path, kind: Kind) -> Picture:
    """Read an image without its alpha channel, or a mask with the indices of its palette.

    An orientation noted by a camera (EXIF) is not applied: masks are drawn on the stored pixels.
    """
    with Image.open(path) as image:
        size = _pixel_size(image.info.get("dpi"))
        pixels = _deep_png(path) if image.format == "PNG" else None
        if pixels is None:
            pixels = np.asarray(_without_alpha(image) if kind == "image" else _indices(image))
    if pixels.dtype == bool:
        pixels = pixels.astype(np.uint8)
    if pixels.ndim == 2:
        return Picture(pixels, "YX", size)
    return Picture(pixels, "YXC", size, _CHANNEL_NAMES.get(pixels.shape[-1], ()))


def _deep_png(path: Path) -> npt.NDArray[Any] | None:
    """Pillow cuts several samples of 16 bits down to 8 without a word; these are read by libpng instead."""
    with path.open("rb") as file:
        header = file.read(26)
    depth, colour = header[24], header[25]
    if depth != 16 or colour not in _PNG_COLOUR:
        return None
    samples = imagecodecs.png_decode(path.read_bytes())[..., : _PNG_COLOUR[colour]]
    return samples[..., 0] if samples.shape[-1] == 1 else samples


def _without_alpha(image: Image.Image) -> Image.Image:
    if image.mode == "P" or image.mode in ("RGBA", "CMYK", "YCbCr", "PA", "RGBX", "LAB", "HSV"):
        return image.convert("RGB")
    return image.convert("L") if image.mode == "LA" else image


def _indices(image: Image.Image) -> Image.Image:
    if image.mode in ("LA", "PA"):
        return image.getchannel(0)
    return image.convert("RGB") if image.mode == "RGBA" else image


def _pixel_size(dots_per_inch: tuple[float, float] | None) -> tuple[float, ...] | None:
    if dots_per_inch is None or min(dots_per_inch) <= 0:
        return None
    return believable_size(tuple(25_400.0 / float(dots) for dots in dots_per_inch))
