"""The test image of a package, and how its preprocessing differs from that of the bundle."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.bundling.bioimage.exported import Exported
from cellseg_monai.data import synthesize
from cellseg_monai.jobs.files.planes import read_planes
from cellseg_monai.transforms import PercentileStretch, match_channels
from cellseg_monai.transforms import stretch as stretched_to

Planes = npt.NDArray[np.float32]
"""Channels, rows, columns."""

EPSILON = 1e-6
"""Number that bioimage.io adds to the width of the range."""


class Difference(NamedTuple):
    """Difference between two images with values from 0 to 1.

    Attributes:
        largest: largest difference of a pixel.
        mean: mean difference.
    """

    largest: float
    mean: float


def sample_image(exported: Exported, image: Path | None) -> Planes:
    """Cut an image to a size that the network takes.

    Args:
        exported: bundle.
        image: image file; by default synthetic nuclei, or synthetic tissue for three channels.

    Raises:
        ValueError: If the image is a volume, is too small, or has the wrong number of channels.
    """
    if image is None:
        sides = (exported.side + 2 * exported.step, exported.side + 4 * exported.step)
        drawn = synthesize("nuclei" if exported.channels == 1 else "tissue", sides).image
        planes = drawn[None] if drawn.ndim == 2 else np.moveaxis(drawn, -1, 0)
    else:
        planes = read_planes(image).pixels
        rows, columns = planes.shape[1:]
        if min(rows, columns) < exported.side:
            raise ValueError(
                f"{image}: {rows} rows and {columns} columns, but the network needs at least "
                f"{exported.side}; give a larger image"
            )
    matched = match_channels(planes, exported.channels).astype(np.float32)
    sides = (exported.fitting(matched.shape[1]), exported.fitting(matched.shape[2]))
    top, left = ((whole - side) // 2 for whole, side in zip(matched.shape[1:], sides, strict=True))
    return np.ascontiguousarray(matched[:, top : top + sides[0], left : left + sides[1]])


def scale_range(image: Planes, stretch: PercentileStretch) -> Planes:
    """Stretch an image as ``scale_range`` and ``clip`` of bioimage.io do.

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
    """Measure how the preprocessing of the package differs from that of the bundle on an image.

    They agree up to rounding, except in two cases: if few pixels hold all of the signal, the bundle keeps the
    range wide (see :func:`~cellseg_monai.transforms.intensity_limits`), and it may exclude zeros from its
    percentiles.

    Example:
        >>> ramp = np.linspace(0, 200, 10_000, dtype=np.float32).reshape(1, 100, 100)
        >>> difference(ramp, PercentileStretch()).largest < 1e-6
        True
    """
    limits = stretch.limits_for(image)
    gap = np.abs(stretched_to(image, limits, keep_zero=stretch.nonzero) - scale_range(image, stretch))
    return Difference(float(gap.max()), float(gap.mean()))
