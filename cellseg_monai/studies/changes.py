"""What may be different in the images of another day or microscope, as changes of pixels."""

from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from cellseg_monai.label_maps import LabelMap

Pixels = npt.NDArray[Any]
"""Channels, rows, columns, of the type of the file."""

Level = float | str


class Change(NamedTuple):
    """A kind of change.

    Attributes:
        axis: what the levels are, for a plot.
        levels: that are tried.
        plain: the level that changes nothing; None for turns, which have no order.
        of_image: pixels, level and a seed to pixels.
        of_labels: label map and level to label map, where cells move.

    Example:
        >>> CHANGES["brightness"].of_image(np.full((1, 1, 2), 100, np.uint8), 200, 0).tolist()
        [[[200, 200]]]
    """

    axis: str
    levels: tuple[Level, ...]
    plain: float | None
    of_image: Callable[[Pixels, Any, int], Pixels]
    of_labels: Callable[[LabelMap, Any], LabelMap] = lambda labels, level: labels


_TURNS: Mapping[str, Callable[[Pixels], Pixels]] = {
    "quarter": lambda pixels: np.rot90(pixels, 1, (-2, -1)),
    "half": lambda pixels: np.rot90(pixels, 2, (-2, -1)),
    "three-quarters": lambda pixels: np.rot90(pixels, 3, (-2, -1)),
    "left-right": lambda pixels: np.flip(pixels, -1),
    "up-down": lambda pixels: np.flip(pixels, -2),
}


def turned(pixels: Pixels, level: str) -> Pixels:
    """Rows and columns turned by a quarter, a half or three quarters, or flipped.

    Example:
        >>> turned(np.array([[1, 2]]), "quarter").tolist()
        [[2], [1]]
    """
    return np.ascontiguousarray(_TURNS[level](pixels))


def brightened(pixels: Pixels, percent: float) -> Pixels:
    """Multiplied; what exceeds the type of the file is cut off, as a camera does.

    Example:
        >>> brightened(np.array([[[10, 200]]], np.uint8), 150).tolist()
        [[[15, 255]]]
    """
    return _as_file(pixels.astype(np.float64) * (percent / 100), pixels.dtype)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """Out of focus: a Gaussian of so many pixels.

    Example:
        >>> int(blurred(np.eye(9, dtype=np.uint8)[None] * 255, 1).max()) < 255
        True
    """
    return _as_file(gaussian_filter(pixels.astype(np.float64), (0, sigma, sigma)), pixels.dtype)


def noisy(pixels: Pixels, percent: float, seed: int = 0) -> Pixels:
    """With Gaussian noise, whose deviation is a share of what lies between the percentiles 1 and 99.

    Example:
        >>> flat = np.full((1, 50, 50), 100, np.uint8)
        >>> flat[:, :25] = 200
        >>> bool(8 < noisy(flat, 10)[0, 30:].std() < 12)
        True
    """
    low, high = np.percentile(pixels, (1, 99))
    noise = np.random.default_rng(seed).normal(0, (high - low) * percent / 100, pixels.shape)
    return _as_file(pixels + noise, pixels.dtype)


def compressed(pixels: Pixels, quality: float) -> Pixels:
    """Saved as JPEG: 8 bits, of other types those between the percentiles 0.1 and 99.9.

    Example:
        >>> compressed(np.random.rand(1, 16, 16), 50).dtype
        dtype('uint8')
    """
    if pixels.dtype != np.uint8:
        low, high = np.percentile(pixels, (0.1, 99.9))
        pixels = _as_file((pixels - low) / max(high - low, 1e-12) * 255, np.dtype(np.uint8))
    if len(pixels) == 3:
        return np.ascontiguousarray(np.moveaxis(_jpeg(np.moveaxis(pixels, 0, -1), quality), -1, 0))
    return np.stack([_jpeg(channel, quality) for channel in pixels])


def rescaled(pixels: Pixels, percent: float) -> Pixels:
    """As with pixels of that size: at 200 the image has half as many rows and columns.

    Example:
        >>> rescaled(np.zeros((1, 8, 10)), 200).shape
        (1, 4, 5)
    """
    shape = (len(pixels), *_rescaled(pixels.shape[1:], percent))
    larger = resize(pixels.astype(np.float64), shape, order=1, anti_aliasing=percent > 100)
    return _as_file(larger, pixels.dtype)


def rescaled_labels(labels: LabelMap, percent: float) -> LabelMap:
    """The same for a label map, of which nothing is mixed.

    Example:
        >>> rescaled_labels(np.array([[1, 2]], np.int32), 50).tolist()
        [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    shape = _rescaled(labels.shape, percent)
    scaled: LabelMap = resize(labels, shape, order=0, anti_aliasing=False, preserve_range=True)
    return scaled.astype(np.int32)


CHANGES: Mapping[str, Change] = {
    "turn": Change("", tuple(_TURNS), None, lambda pixels, level, seed: turned(pixels, level), turned),
    "brightness": Change(
        "brightness, %", (50, 70, 140, 200), 100, lambda pixels, level, seed: brightened(pixels, level)
    ),
    "blur": Change("blur, sigma in pixels", (1, 2, 4), 0, lambda pixels, level, seed: blurred(pixels, level)),
    "noise": Change("noise, % of the contrast", (5, 10, 20), 0, noisy),
    "jpeg": Change(
        "quality of JPEG", (10, 20, 50, 90), 100, lambda pixels, level, seed: compressed(pixels, level)
    ),
    "pixel_size": Change(
        "size of a pixel, %",
        (50, 70, 140, 200),
        100,
        lambda pixels, level, seed: rescaled(pixels, level),
        rescaled_labels,
    ),
}
"""By name."""


def _rescaled(shape: tuple[int, ...], percent: float) -> tuple[int, ...]:
    return tuple(max(1, round(size * 100 / percent)) for size in shape)


def _as_file(values: npt.NDArray[np.float64], dtype: np.dtype[Any]) -> Pixels:
    """Back to the type of the file, cut off at its ends."""
    if not np.issubdtype(dtype, np.integer):
        return values.astype(np.float32)
    limits = np.iinfo(dtype)
    return np.clip(np.round(values), limits.min, limits.max).astype(dtype)


def _jpeg(picture: npt.NDArray[np.uint8], quality: float) -> npt.NDArray[np.uint8]:
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=round(quality))
    return np.asarray(Image.open(buffer))
