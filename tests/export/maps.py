"""Label maps that are hard to write: with holes, in pieces, touching, tiny, many, none."""

import numpy as np
import pytest
from scipy import ndimage

from cellseg_monai.label_maps import LabelMap


def _blobs() -> LabelMap:
    """Wild shapes with holes and islands in them, many of which touch."""
    random = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(random.normal(size=(90, 140)), 2)
    return (np.digitize(smooth, [-0.05, 0.0, 0.05]) * 7).astype(np.int32)


def _tiles() -> LabelMap:
    """Cells side by side, without background."""
    return np.kron(np.arange(1, 31).reshape(5, 6), np.ones((4, 3), int)).astype(np.int32)


def chess_board(rows: int, columns: int, first: int = 1) -> LabelMap:
    """Cells of one pixel that touch at their corners."""
    ids = np.arange(rows * columns).reshape(rows, columns)
    return np.where(np.indices(ids.shape).sum(0) % 2, ids // 2 + first, 0).astype(np.int32)


MAPS: dict[str, LabelMap] = {
    "empty": np.zeros((5, 9), np.int32),
    "full": np.ones((3, 2), np.int32),
    "one pixel": np.pad(np.array([[2**31 - 1]], np.int32), ((0, 3), (2, 0))),
    "hole": np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], np.int32),
    "cell in a hole": np.array([[1, 1, 1], [1, 2, 1], [1, 1, 1]], np.int32),
    "island in a hole": np.pad(np.pad(np.pad([[1]], 1), 1, constant_values=1), 1).astype(np.int32),
    "two pieces": np.array([[4, 0, 4], [4, 0, 0]], np.int32),
    "pieces at a corner": np.array([[3, 0], [0, 3]], np.int32),
    "hole open at a corner": np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]], np.int32),
    "holes at a corner": np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]], np.int32),
    "touching": np.array([[1, 1, 2], [3, 2, 2]], np.int32),
    "one row": np.array([[0, 70_000, 70_000, 5, 0, 5]], np.int32),
    "tiles": _tiles(),
    "blobs": _blobs(),
    "ids around 65,535": chess_board(30, 40, first=65_300),
}

MANY = chess_board(270, 500)
"""More than 65,535 cells."""

every_map = pytest.mark.parametrize("label_map", MAPS.values(), ids=MAPS.keys())
