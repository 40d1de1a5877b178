"""Background intensity of the image near each cell."""

from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.analysis.measure.runs import Real, plane

_LEAST_PIXELS = 50


def background_at(
    label_map: npt.ArrayLike, channel: npt.NDArray[Any], rows: Real, columns: Real, window: int | None = 256
) -> Real:
    """Median of the pixels outside cells, by window, interpolated at some points.

    The image is cut into square windows, and the median of each belongs to its centre; values between centres
    are interpolated linearly. A window with fewer than 50 pixels outside cells takes the value of the nearest
    window that has more, or of the whole image if there is none.

    Args:
        label_map: label map of the cells.
        channel: channel of the image, with the rows and columns of the label map.
        rows: rows of the points.
        columns: columns of the points.
        window: side of a window in pixels; None for one median of the whole image.

    Returns:
        One value per point; NaN if cells cover the whole image.

    Raises:
        ValueError: the window is not positive, or a pixel outside cells is NaN or infinite.

    Example:
        >>> image = np.array([[3, 3, 90, 5]])
        >>> background_at([[0, 0, 1, 0]], image, np.array([0.0]), np.array([2.0])).tolist()
        [3.0]
    """
    outside = plane(label_map) == 0
    image = np.asarray(channel)
    if window is not None and window < 1:
        raise ValueError(f"background_window must be a positive number of pixels, or None, not {window}")
    side = max(1, *image.shape) if window is None else window
    cuts = [_cuts(length, max(1, round(length / side))) for length in image.shape]
    grid = np.array(
        [[_median(image, outside, window) for window in product([tall], cuts[1])] for tall in cuts[0]]
    )
    holes = np.isnan(grid)
    if holes.all():
        return np.full(len(rows), _median(image, outside, ..., least=1))
    nearest = ndimage.distance_transform_edt(holes, return_distances=False, return_indices=True)
    grid = grid[tuple(nearest)]
    places = [
        np.interp(where, [(part.start + part.stop - 1) / 2 for part in parts], np.arange(len(parts)))
        for where, parts in zip((rows, columns), cuts, strict=True)
    ]
    return ndimage.map_coordinates(grid, places, order=1, mode="nearest")


def _cuts(length: int, count: int) -> list[slice]:
    """Consecutive parts of almost the same length."""
    parts = np.array_split(np.arange(length), count)
    return [slice(int(part.min(initial=length)), int(part.max(initial=-1)) + 1) for part in parts]


def _median(
    image: npt.NDArray[Any], outside: npt.NDArray[np.bool_], window: Any, least: int = _LEAST_PIXELS
) -> float:
    """Median of the pixels of a window outside cells; NaN if there are too few."""
    pixels = image[window][outside[window]]
    if not np.isfinite(pixels).all():
        raise ValueError("the image has NaN or infinite pixels outside the cells; replace them")
    return float(np.median(pixels)) if len(pixels) >= least else float("nan")
