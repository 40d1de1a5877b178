"""The image that a package is tested by, and how far its preprocessing is from that of the bundle."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.bundling.bioimage.exported import Exported
from cellseg_monai.data import synthesize
from cellseg_monai.jobs.files.companions import read_planes
from cellseg_monai.transforms import PercentileStretch, match_channels
from cellseg_monai.transforms import stretch as stretched_to

Planes = npt.NDArray[np.float32]
"""Channels, rows, columns."""

EPSILON = 1e-6
"""What bioimage.io adds to the width of the range."""


class Difference(NamedTuple):
    """By how much two images from 0 to 1 differ.

    Attributes:
        largest: at any pixel.
        mean: over the pixels.
    """

    largest: float
    mean: float


def sample_image(exported: Exported, image: Path | None) -> Planes:
    """Cut an image to a size that the network takes.

    Args:
        exported: the bundle.
        image: file; by default synthetic nuclei, or tissue for a network of three channels.

    Raises:
        ValueError: the image is a volume, smaller than the network takes, or has other channels.
    """
    if image is None:
        sides = (exported.side + 2 * exported.step, exported.side + 4 * exported.step)
        drawn = synthesize("nuclei" if exported.channels == 1 else "tissue", sides).image
        planes: npt.NDArray[Any] = drawn[None] if drawn.ndim == 2 else np.moveaxis(drawn, -1, 0)
    else:
        planes = read_planes(image).pixels
        if min(planes.shape[1:]) < exported.side:
            rows, columns = planes.shape[1:]
            raise ValueError(
                f"{image} has {rows} rows and {columns} columns, and the network takes {exported.side} at "
                "least; give a larger image"
            )
    matched = match_channels(planes, exported.channels).astype(np.float32)
    sides = (exported.fitting(matched.shape[1]), exported.fitting(matched.shape[2]))
    top, left = ((whole - side) // 2 for whole, side in zip(matched.shape[1:], sides, strict=True))
    return np.ascontiguousarray(matched[:, top : top + sides[0], left : left + sides[1]])


def scale_range(image: Planes, stretch: PercentileStretch) -> Planes:
    """What ``scale_range`` and ``clip`` of bioimage.io make of an image.

    Example:
        >>> ramp = np.linspace(0, 200, 101, dtype=np.float32).reshape(1, 1, 101)
        >>> scale_range(ramp, PercentileStretch(lower=0, upper=100))[0, 0, [0, 50, 100]].round(3).tolist()
        [0.0, 0.5, 1.0]
    """
    axes = (1, 2) if stretch.channel_wise else (0, 1, 2)
    low, high = np.percentile(image, [stretch.lower, stretch.upper], axis=axes, keepdims=True)
    scaled: Planes = np.clip((image - low) / (high - low + EPSILON), 0, 1).astype(np.float32)
    return scaled


def difference(image: Planes, stretch: PercentileStretch) -> Difference:
    """By how much the preprocessing of the package differs from that of the bundle on an image.

    They agree but for rounding, unless few pixels hold all of the signal, where the bundle keeps the range
    wide (see :func:`~cellseg_monai.transforms.intensity_limits`), or it leaves zeros out of its percentiles.

    Example:
        >>> ramp = np.linspace(0, 200, 10_000, dtype=np.float32).reshape(1, 100, 100)
        >>> difference(ramp, PercentileStretch()).largest < 1e-6
        True
    """
    limits = stretch.limits_for(image)
    gap = np.abs(stretched_to(image, limits, keep_zero=stretch.nonzero) - scale_range(image, stretch))
    return Difference(float(gap.max()), float(gap.mean()))
