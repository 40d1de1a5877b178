"""Label maps that are hard to decode, and how much of a truth a decoding found."""

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, overlap_matrix


def packed_ellipses(radius: int, elongation: int = 1, rows: int = 8) -> LabelMap:
    """A grid of ellipses, each of which touches its four neighbours."""
    height, width = 2 * radius + 1, 2 * radius * elongation + 1
    y, x = np.indices((height, width))
    inside = ((y - radius) / (radius + 0.3)) ** 2 + ((x - width // 2) / (width / 2 - 0.2)) ** 2 <= 1
    ids = np.arange(1, rows * rows + 1, dtype=np.int32).reshape(rows, rows)
    return np.pad(np.kron(ids, inside.astype(np.int32)), 2)


def f1(found: npt.NDArray[np.int32], truth: npt.NDArray[np.int32]) -> float:
    """2 TP / (objects found + true objects), TP where intersection over union exceeds one half."""
    overlap = overlap_matrix(truth, found)
    shared = overlap.counts.toarray().astype(float)
    union = shared.sum(axis=1, keepdims=True) + shared.sum(axis=0, keepdims=True) - shared
    matches = (shared[1:, 1:] > union[1:, 1:] / 2).sum()
    return float(2 * matches / max(sum(shared.shape) - 2, 1))
