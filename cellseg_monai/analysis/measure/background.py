"""How bright the image is where there is no cell, near each cell."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.analysis.measure.runs import Real, plane

_LEAST_PIXELS = 50


def background_at(
    label_map: npt.ArrayLike,
    channel: npt.NDArray[Any],
    rows: Real,
    columns: Real,
    window: int | None = 256,
) -> Real:
    """Median of the pixels outside all cells, from window to window, read at some places.

    The image is cut into square windows. The median of each belongs to its centre; between centres it is
    interpolated linearly. A window with fewer than 50 pixels outside cells takes the value of the nearest
    that has more, or that of the whole image.

    Args:
        label_map: says where cells are.
        channel: rows and columns.
        rows: of the places.
        columns: of the places.
        window: side of a window in pixels; None for one median of the whole image.

    Returns:
        One value a place; NaN if the whole image is covered by cells.

    Raises:
        ValueError: the window is not positive, or a pixel is NaN or infinite.

    Example:
        >>> image = np.array([[3, 3, 90, 5]])
        >>> background_at([[0, 0, 1, 0]], image, np.array([0.0]), np.array([2.0])).tolist()
        [3.0]
    """
    outside = plane(label_map) == 0
    image = np.asarray(channel)
    if window is not None and window < 1:
        raise ValueError(f"background_window is a number of pixels above 0, or None, not {window}")
    side = max(1, *image.shape) if window is None else window
    cuts = [np.array_split(np.arange(length), max(1, round(length / side))) for length in image.shape]
    grid = np.array([[_median(image, outside, tall, wide) for wide in cuts[1]] for tall in cuts[0]])
    if np.isnan(grid).all():
        of_image = image[outside]
        whole = float(np.median(of_image)) if of_image.size else float("nan")
        return np.full(len(rows), whole)
    holes = np.isnan(grid)
    if holes.any():
        nearest = ndimage.distance_transform_edt(holes, return_distances=False, return_indices=True)
        grid = grid[tuple(nearest)]
    places = [
        np.interp(where, [part.mean() for part in parts], np.arange(len(parts)))
        for where, parts in zip((rows, columns), cuts, strict=True)
    ]
    values: Real = ndimage.map_coordinates(grid, places, order=1, mode="nearest")
    return values


def _median(
    image: npt.NDArray[Any],
    outside: npt.NDArray[np.bool_],
    tall: npt.NDArray[np.int64],
    wide: npt.NDArray[np.int64],
) -> float:
    """Of the pixels of a window outside cells; NaN if they are few."""
    if not (len(tall) and len(wide)):
        return float("nan")
    part = np.s_[tall[0] : tall[-1] + 1, wide[0] : wide[-1] + 1]
    pixels = image[part][outside[part]]
    if not np.isfinite(pixels).all():
        raise ValueError("the image has NaN or infinite pixels outside the cells; mend them")
    return float(np.median(pixels)) if len(pixels) >= _LEAST_PIXELS else float("nan")
