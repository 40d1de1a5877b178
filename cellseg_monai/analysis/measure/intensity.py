"""Intensity of cells: mean, standard deviation, sum, median and quantiles of their pixels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.analysis.measure.runs import Real, Runs, bunches_of, first_of, in_threads, ranges


class Intensity(NamedTuple):
    """Intensity of cells in one channel.

    Attributes:
        mean: mean of the pixels.
        std: standard deviation, divided by the number of pixels.
        sum: sum of the pixels.
        quantiles: one column per requested quantile.
    """

    mean: Real
    std: Real
    sum: Real
    quantiles: Real


def intensities(runs: Runs, channel: npt.NDArray[Any], shares: Sequence[float] = (0.5,)) -> Intensity:
    """Measure one channel.

    Args:
        runs: runs of the label map.
        channel: channel of the image, with the rows and columns of the label map.
        shares: quantiles from 0 to 1, where 0.5 is the median; interpolated linearly between two pixels.

    Returns:
        The intensity of each cell.

    Raises:
        ValueError: the shapes differ, a cell has NaN or infinite pixels, or a quantile is out of range.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> found = intensities(runs_of([[5, 5, 0, 5]]), np.array([[1, 2, 100, 6]]))
        >>> float(found.mean[0]), float(found.quantiles[0, 0])
        (3.0, 2.0)
    """
    values = np.asarray(channel)
    if values.shape != runs.shape:
        raise ValueError(f"image {values.shape} and label map {runs.shape} differ in rows or columns")
    if values.dtype.kind not in "buif":
        raise ValueError(f"an image must hold numbers, but this one holds {values.dtype}")
    if any(not 0 <= share <= 1 for share in shares):
        raise ValueError(f"quantiles must be between 0 and 1, not {list(shares)}")
    cells, flat = len(runs.ids), values.ravel()
    mean, std, total = np.zeros((3, cells))
    found = Intensity(mean, std, total, np.zeros((cells, len(shares))))

    @np.errstate(invalid="ignore")  # infinite pixels are reported below
    def measure(part: slice) -> None:
        length = runs.length[part]
        pixels = flat[ranges(runs.row[part] * runs.shape[1] + runs.start[part], length)].astype(float)
        cell = np.repeat(runs.cell[part], length)
        first, here = first_of(cell), slice(cell[0], cell[-1] + 1)
        size = np.diff(first, append=len(cell))
        found.sum[here] = np.add.reduceat(pixels, first)
        found.mean[here] = found.sum[here] / size
        found.std[here] = np.sqrt(np.add.reduceat((pixels - found.mean[cell]) ** 2, first) / size)
        if len(shares):
            found.quantiles[here] = _quantiles(pixels, first, size[:, None], shares)

    in_threads(measure, bunches_of(runs.cell))
    wrong = runs.ids[~np.isfinite(found.sum)]
    if len(wrong):
        raise ValueError(f"{len(wrong)} cells have NaN or infinite pixels, such as {wrong[0]}; replace them")
    return found


def _quantiles(
    pixels: Real, first: npt.NDArray[Any], size: npt.NDArray[Any], shares: Sequence[float]
) -> Real:
    """Quantiles of the pixels of each cell; sorts the pixels in place."""
    for of_cell in np.split(pixels, first[1:]):
        of_cell.sort()
    place = (size - 1) * np.asarray(shares, np.float64)
    low = np.floor(place).astype(np.int64)
    at_low = pixels[first[:, None] + low]
    at_high = pixels[first[:, None] + np.minimum(low + 1, size - 1)]
    quantiles: Real = at_low + (at_high - at_low) * (place - low)
    return quantiles
