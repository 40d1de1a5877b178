"""How images of another day or microscope may differ, as changes of pixels."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from cellseg_monai.label_maps import LabelMap

Pixels = npt.NDArray[Any]
"""Channels, rows and columns, in the data type of the file."""

Level = float | str


class Change(NamedTuple):
    """A kind of change.

    Attributes:
        axis: meaning of the levels, as the label of an axis.
        levels: levels to try by default.
        plain: level that changes nothing; None for turns, which have no order.
        of_image: function of pixels, level and random seed that returns the changed pixels.
        of_labels: function of label map and level that returns the changed label map.

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
    """Rotate by a quarter, a half or three quarters of a turn, or flip.

    Args:
        pixels: image or label map.
        level: one of "quarter", "half", "three-quarters", "left-right", "up-down".

    Example:
        >>> turned(np.array([[1, 2]]), "quarter").tolist()
        [[2], [1]]
    """
    return np.ascontiguousarray(_TURNS[level](pixels))


def brightened(pixels: Pixels, percent: float) -> Pixels:
    """Multiply the intensity, and clip it to the range of the data type, as a camera does.

    Args:
        pixels: image.
        percent: brightness in percent of the original.

    Example:
        >>> brightened(np.array([[[10, 200]]], np.uint8), 150).tolist()
        [[[15, 255]]]
    """
    return _as_file(pixels.astype(np.float64) * (percent / 100), pixels.dtype)


def blurred(pixels: Pixels, sigma: float) -> Pixels:
    """Blur with a Gaussian, as an image out of focus.

    Args:
        pixels: image.
        sigma: standard deviation in pixels.

    Example:
        >>> int(blurred(np.eye(9, dtype=np.uint8)[None] * 255, 1).max()) < 255
        True
    """
    return _as_file(gaussian_filter(pixels.astype(np.float64), (0, sigma, sigma)), pixels.dtype)


def noisy(pixels: Pixels, percent: float, seed: int = 0) -> Pixels:
    """Add Gaussian noise.

    Args:
        pixels: image.
        percent: standard deviation, in percent of the range between the percentiles 1 and 99.
        seed: random seed.

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
    """Save as JPEG and read again; other types are stretched to 8 bits between the percentiles 0.1 and 99.9.

    Args:
        pixels: image.
        quality: JPEG quality from 1 to 100.

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
    """Resample to pixels of another size.

    Args:
        pixels: image.
        percent: size of a pixel in percent of the original; at 200 the image has half the rows and columns.

    Example:
        >>> rescaled(np.zeros((1, 8, 10)), 200).shape
        (1, 4, 5)
    """
    shape = (len(pixels), *_rescaled(pixels.shape[1:], percent))
    larger = resize(pixels.astype(np.float64), shape, order=1, anti_aliasing=percent > 100)
    return _as_file(larger, pixels.dtype)


def rescaled_labels(labels: LabelMap, percent: float) -> LabelMap:
    """Resample a label map to pixels of another size, without mixing labels.

    Args:
        labels: label map.
        percent: as in :func:`rescaled`.

    Example:
        >>> rescaled_labels(np.array([[1, 2]], np.int32), 50).tolist()
        [[1, 1, 2, 2], [1, 1, 2, 2]]
    """
    shape = _rescaled(labels.shape, percent)
    scaled: LabelMap = resize(labels, shape, order=0, anti_aliasing=False, preserve_range=True)
    return scaled.astype(np.int32)


def _seedless(change: Callable[[Pixels, Any], Pixels]) -> Callable[[Pixels, Any, int], Pixels]:
    return lambda pixels, level, seed: change(pixels, level)


_PERCENT = (50, 70, 140, 200)
CHANGES: Mapping[str, Change] = {
    "turn": Change("", tuple(_TURNS), None, _seedless(turned), turned),
    "brightness": Change("brightness, %", _PERCENT, 100, _seedless(brightened)),
    "blur": Change("blur, sigma in pixels", (1, 2, 4), 0, _seedless(blurred)),
    "noise": Change("noise, % of the contrast", (5, 10, 20), 0, noisy),
    "jpeg": Change("quality of JPEG", (10, 20, 50, 90), 100, _seedless(compressed)),
    "pixel_size": Change("size of a pixel, %", _PERCENT, 100, _seedless(rescaled), rescaled_labels),
}
"""Changes by name."""

UNCHANGED = Change("", (), None, lambda pixels, level, seed: pixels)


def levels_of(name: str, levels: Sequence[Level] = ()) -> Sequence[Level]:
    """Return the levels to try of a change.

    Args:
        name: name of the change.
        levels: chosen levels; by default those of :data:`CHANGES`.

    Raises:
        ValueError: If there is no such change, or it does not have a level.

    Example:
        >>> levels_of("blur"), levels_of("blur", [3])
        ((1, 2, 4), [3])
        >>> levels_of("jpeg", [120])
        Traceback (most recent call last):
        ...
        ValueError: jpeg=120 must be a number above 0 and at most 100
    """
    if name not in CHANGES:
        raise ValueError(f"{name!r} is not a change; choose one of {', '.join(CHANGES)}")
    known, limit = CHANGES[name].levels, " and at most 100" if name == "jpeg" else ""
    for level in levels:
        if CHANGES[name].plain is None and level not in known:
            raise ValueError(f"{name}={level} must be one of {', '.join(map(str, known))}")
        if CHANGES[name].plain is not None and (
            isinstance(level, str) or not 0 < level <= (100 if limit else np.inf)
        ):
            raise ValueError(f"{name}={level} must be a number above 0{limit}")
    return levels or known


def _rescaled(shape: tuple[int, ...], percent: float) -> tuple[int, ...]:
    return tuple(max(1, round(size * 100 / percent)) for size in shape)


def _as_file(values: npt.NDArray[np.float64], dtype: np.dtype[Any]) -> Pixels:
    """Convert to the data type of the file, clipped to its range."""
    if not np.issubdtype(dtype, np.integer):
        return values.astype(np.float32)
    limits = np.iinfo(dtype)
    return np.clip(np.round(values), limits.min, limits.max).astype(dtype)


def _jpeg(picture: npt.NDArray[np.uint8], quality: float) -> npt.NDArray[np.uint8]:
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "JPEG", quality=round(quality))
    return np.asarray(Image.open(buffer))
