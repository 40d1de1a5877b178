"""Checks of one image."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.checks.finding import Finding, error, warning

_SATURATED_SHARE = 0.01
_FEWEST_LEVELS = 8


def check_image(file: str, pixels: npt.NDArray[Any]) -> Iterator[Finding]:
    """Notice values that are not finite, images that are blank or nearly so, and burnt-out ones.

    Args:
        file: its path, for the findings.
        pixels: its intensities, in any order of axes.

    Yields:
        What was noticed.

    Example:
        >>> [finding.check for finding in check_image("a.tif", np.zeros((8, 8), np.uint8))]
        ['blank image']
    """
    wrong = int(pixels.size - np.isfinite(pixels).sum()) if pixels.dtype.kind == "f" else 0
    if wrong:
        yield error(
            "not finite",
            file,
            f"{wrong} pixels are NaN or infinite",
            "replace them, for example by the median of the image",
        )
        return
    lowest, highest = pixels.min(), pixels.max()
    if lowest == highest:
        yield error("blank image", file, f"every pixel has the value {lowest}", "remove the image")
        return
    yield from _check_contrast(file, pixels)
    if pixels.dtype.kind in "ui":
        yield from _check_saturation(file, pixels, highest)


def _check_contrast(file: str, pixels: npt.NDArray[Any]) -> Iterator[Finding]:
    low, high = np.percentile(pixels, [0.1, 99.9])
    too_few_levels = pixels.dtype.kind in "ui" and high - low < _FEWEST_LEVELS
    if too_few_levels or high == low:
        yield warning(
            "nearly constant",
            file,
            f"99.8 % of the pixels lie between {low:g} and {high:g}",
            "check the exposure and whether the image was reduced to fewer bits",
        )


def _check_saturation(file: str, pixels: npt.NDArray[Any], highest: int) -> Iterator[Finding]:
    """A sensor fills up at its own limit, which may lie below that of the file: 4,095 in 16 bits, say.

    White paper or glass is white, not saturated; hence only limits of a sensor count, and only grey images.
    """
    full = float(np.mean(pixels == highest))
    is_limit = int(highest) + 1 & int(highest) == 0  # 255, 1023, 4095, 16383, 65535
    is_grey = pixels.ndim == 2 or pixels.shape[-1] == 1
    if is_limit and is_grey and full > _SATURATED_SHARE:
        yield warning(
            "saturated",
            file,
            f"{full:.1%} of the pixels are at the limit {highest}",
            "lower the exposure; intensities there are lost",
        )
