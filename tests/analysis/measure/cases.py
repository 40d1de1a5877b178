"""Label maps of all sorts for the tests of measuring."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.label_maps import LabelMap


def speckled(seed: int, size: tuple[int, int] = (40, 50), cells: int = 12) -> LabelMap:
    """Ragged cells, many of them in pieces, with holes or at the edge, under ids with gaps."""
    random = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(random.normal(size=(cells, *size)), (0, 3, 3))
    smooth += 0.05 * random.normal(size=smooth.shape)
    ids = np.sort(random.choice(np.arange(1, 500), cells, replace=False)).astype(np.int32)
    return np.where(smooth.max(axis=0) > 0.08, ids[smooth.argmax(axis=0)], 0)


def noise(seed: int, size: tuple[int, int] = (12, 14)) -> LabelMap:
    """Every pixel an id of its own accord."""
    return np.random.default_rng(seed).integers(0, 6, size).astype(np.int32)


def disc(radius: float, size: int) -> npt.NDArray[np.int32]:
    """A disc in the middle."""
    row, column = np.mgrid[:size, :size] - (size - 1) / 2
    return (np.hypot(row, column) <= radius).astype(np.int32)


MAPS = {
    **{f"speckled {seed}": speckled(seed) for seed in range(6)},
    **{f"noise {seed}": noise(seed) for seed in range(6)},
    "one pixel": np.pad([[9]], 2),
    "one pixel is all": np.array([[9]]),
    "a row": np.array([[1, 1, 1, 0, 2]]),
    "a column": np.array([[1], [1], [0], [2]]),
    "hole": np.pad(np.pad([[0]], 1, constant_values=3), 1),
    "split id": np.array([[4, 4, 0, 0, 4], [0, 0, 0, 0, 4]]),
    "diagonal": np.eye(7, dtype=int),
    "all one cell": np.ones((5, 6), int),
    "disc": disc(9.3, 25),
}  # fmt: skip
