"""Random fields: smooth clouds for an image of any size, and a tile of grain for the inside of objects."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.data.synthetic.scene import Field, Size

TILE = 256
"""Rows and columns of a tile of grain."""


def enlarge(coarse: Field, step: float, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Field:
    """Interpolate a coarse grid linearly.

    Args:
        coarse: grid; element (i, j) represents the ``step`` × ``step`` pixels from (i·step, j·step) on.
        step: number of pixels from one grid point to the next.
        rows: rows of the result.
        columns: columns of the result.

    Example:
        >>> enlarge(np.array([[0, 4]], np.float32), 2, np.arange(2), np.arange(4))
        array([[0., 1., 3., 4.],
               [0., 1., 3., 4.]], dtype=float32)
    """
    (above, below, down), (left, right, across) = (
        _neighbours(positions, step, length)
        for positions, length in zip((rows, columns), coarse.shape, strict=True)
    )
    narrow = coarse[above] * (1 - down)[:, None] + coarse[below] * down[:, None]
    return np.asarray(narrow[:, left] * (1 - across) + narrow[:, right] * across, np.float32)


def _neighbours(
    positions: npt.NDArray[np.int64], step: float, length: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Field]:
    place = np.clip((positions + 0.5) / step - 0.5, 0, length - 1)
    before = place.astype(np.int64)
    return before, np.minimum(before + 1, length - 1), (place - before).astype(np.float32)


def smooth_field(size: Size, scale: float, random: np.random.Generator) -> Field:
    """Return clouds: normally distributed values that vary slowly over the image.

    Args:
        size: rows and columns.
        scale: width of a cloud in pixels.
        random: random generator.

    Returns:
        Field with a mean of about 0 and a standard deviation of about 1.

    Example:
        >>> clouds = smooth_field((200, 300), scale=20, random=np.random.default_rng(0))
        >>> clouds.shape, bool(0.7 < clouds.std() < 1.3)
        ((200, 300), True)
    """
    step = max(1.0, scale / 3)
    grid = tuple(int(np.ceil(length / step)) + 1 for length in size)
    sigma = scale / 2 / step
    border = int(np.ceil(3 * sigma))
    noise = random.standard_normal((grid[0] + 2 * border, grid[1] + 2 * border), np.float32)
    clouds = ndimage.gaussian_filter(noise, sigma)[border : border + grid[0], border : border + grid[1]]
    clouds *= 2 * np.sqrt(np.pi) * sigma
    return enlarge(clouds, step, np.arange(size[0]), np.arange(size[1]))


def grain(scale: float, random: np.random.Generator) -> Field:
    """Return a square, seamlessly repeating tile of grain with mean 0 and standard deviation 1.

    Args:
        scale: width of a grain in pixels.
        random: random generator.

    Example:
        >>> tile = grain(4, np.random.default_rng(0))
        >>> tile.shape, abs(tile.mean().round(3)), tile.std().round(3)
        ((256, 256), np.float32(0.0), np.float32(1.0))
    """
    noise = random.standard_normal((TILE, TILE), np.float32)
    tile = ndimage.gaussian_filter(noise, scale / 2, mode="wrap")
    return np.asarray((tile - tile.mean()) / tile.std(), np.float32)
