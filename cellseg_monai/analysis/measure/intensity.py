"""How bright a cell is: mean, deviation, sum, median and quantiles of its pixels."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.analysis.measure.runs import Real, Runs, Whole, bunches_of_like, in_threads

_PIXELS_PER_BUNCH = 1 << 20


class Intensity(NamedTuple):
    """Brightness of cells in one channel.

    Attributes:
        mean: of the pixels.
        std: standard deviation, dividing by their number.
        sum: of the pixels.
        quantiles: one column a share that was asked for.
    """

    mean: Real
    std: Real
    sum: Real
    quantiles: Real


def intensities(runs: Runs, channel: npt.NDArray[Any], shares: Sequence[float] = (0.5,)) -> Intensity:
    """Measure one channel.

    Cells of like size are laid out as the rows of a table and sorted there, so that nothing is done cell by
    cell.

    Args:
        runs: of the label map.
        channel: rows and columns.
        shares: from 0 to 1; 0.5 is the median. Between two pixels a quantile is interpolated linearly.

    Returns:
        :class:`Intensity`.

    Raises:
        ValueError: the shapes differ, a cell has NaN or infinite pixels, or a share is none.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> found = intensities(runs_of([[5, 5, 0, 5]]), np.array([[1, 2, 100, 6]]))
        >>> float(found.mean[0]), float(found.quantiles[0, 0])
        (3.0, 2.0)
    """
    values = _numbers(channel, runs.shape)
    if any(not 0 <= share <= 1 for share in shares):
        raise ValueError(f"quantiles are shares from 0 to 1, not {list(shares)}")
    cells, area = len(runs.ids), runs.area
    last = np.append(runs.first[1:], len(runs.cell)) if cells else runs.first
    mean, std, total = np.zeros((3, cells))
    found = Intensity(mean, std, total, np.zeros((cells, len(shares))))

    @np.errstate(invalid="ignore")  # infinite pixels are told of below
    def measure(members: Whole) -> None:
        pixels = values[_places(runs, runs.first[members], last[members])]
        size = area[members]
        inside = np.arange(size.max()) < size[:, None]
        table = np.full(inside.shape, _greatest(values.dtype), values.dtype)
        table[inside] = pixels
        table.sort(axis=1)
        found.quantiles[members] = _quantiles(table, size, shares)
        exact = np.where(inside, table, 0).astype(np.float64)
        found.sum[members] = exact.sum(axis=1)
        found.mean[members] = found.sum[members] / size
        exact -= found.mean[members][:, None]
        exact[~inside] = 0
        found.std[members] = np.sqrt((exact * exact).sum(axis=1) / size)

    in_threads(measure, bunches_of_like(area, _PIXELS_PER_BUNCH))
    _require_finite(found.sum, runs)
    return found


def means(runs: Runs, channel: npt.NDArray[Any]) -> Real:
    """Mean alone, of a map such as a probability.

    Example:
        >>> from cellseg_monai.analysis.measure.runs import runs_of
        >>> means(runs_of([[5, 5, 0, 2]]), np.array([[0.5, 1.0, 0.0, 0.25]])).tolist()
        [0.25, 0.75]
    """
    values = _numbers(channel, runs.shape)
    if not len(runs.ids):
        return np.empty(0)
    # reduceat sums from each place to the next; every second sum is of what lies between two runs.
    edges = np.stack([runs.row * runs.shape[1] + runs.start, runs.row * runs.shape[1] + runs.stop], axis=1)
    order = np.argsort(edges[:, 0])
    sums = np.empty(len(order))
    sums[order] = np.add.reduceat(np.append(values, 0), edges[order].ravel(), dtype=np.float64)[::2]
    total = runs.sum(sums)
    _require_finite(total, runs)
    mean: Real = total / runs.area
    return mean


def _numbers(channel: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
    """The pixels one after the other."""
    values = np.asarray(channel)
    if values.shape != shape:
        raise ValueError(
            f"the image is {values.shape} and the label map {shape} (rows, columns); both must be of one size"
        )
    if values.dtype.kind not in "buif":
        raise ValueError(f"an image holds numbers, this one holds {values.dtype}")
    return (values.view(np.uint8) if values.dtype == bool else values).ravel()


def _places(runs: Runs, first: Whole, last: Whole) -> Whole:
    """Where the pixels of cells are in the flat image, cell after cell."""
    runs_each = last - first
    index = np.arange(runs_each.sum()) + np.repeat(first - (np.cumsum(runs_each) - runs_each), runs_each)
    length = runs.length[index]
    begin = runs.row[index] * runs.shape[1] + runs.start[index]
    places: Whole = np.arange(length.sum()) + np.repeat(begin - (np.cumsum(length) - length), length)
    return places


def _greatest(dtype: np.dtype[Any]) -> Any:
    return np.inf if dtype.kind == "f" else np.iinfo(dtype).max


def _quantiles(table: npt.NDArray[Any], size: Whole, shares: Sequence[float]) -> Real:
    """Quantiles of the first values of each sorted row."""
    place = np.multiply.outer(size - 1, np.asarray(shares, np.float64))
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, (size - 1)[:, None])
    at_low = np.take_along_axis(table, low, axis=1).astype(np.float64)
    at_high = np.take_along_axis(table, high, axis=1).astype(np.float64)
    quantiles: Real = at_low + (at_high - at_low) * (place - low)
    return quantiles


def _require_finite(total: Real, runs: Runs) -> None:
    if not np.isfinite(total).all():
        wrong = runs.ids[~np.isfinite(total)]
        raise ValueError(
            f"{len(wrong)} cells have NaN or infinite pixels in the image, such as cell {wrong[0]}; mend them"
        )
