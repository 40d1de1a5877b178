"""Which labels are one cell: in two overlapping tiles, and then in all tiles."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cellseg_monai.instances.tiles import Box
from cellseg_monai.label_maps import (
    LabelMap,
    as_label_map,
    connected_components,
    overlap_matrix,
    touching_pairs,
)


def same_cells(
    first: npt.ArrayLike, second: npt.ArrayLike, first_core: Box, second_core: Box
) -> npt.NDArray[np.int64]:
    r"""Find labels of two tiles that are one cell, from the pixels that both tiles have seen.

    Both maps are cut into connected pieces. Let $n$ be the number of pixels that a piece $a$ of the first map
    shares with a piece $b$ of the second. Their labels are one cell if

    $$n > \tfrac12 \max(|a|, |b|) \quad\text{or}\quad n > \tfrac12 \min(|a|, |b|)
    \text{ and } a \text{ touches } b \text{ across the seam.}$$

    If the tiles agree, every piece has its counterpart and the first rule decides. The second rule keeps a
    cell together that one tile has split. Slivers on which the tiles disagree far from the seam join nothing.

    Args:
        first: labels of the first tile for the pixels in both windows.
        second: labels of the second tile for the same pixels.
        first_core: core of the first tile within these pixels; may be empty.
        second_core: core of the second tile within these pixels; may be empty.

    Returns:
        Sorted pairs of a first and a second label, shape (pairs, 2).

    Raises:
        ValueError: If the shapes differ.

    Example:
        >>> left_half, right_half = (slice(0, 1), slice(0, 3)), (slice(0, 1), slice(3, 6))
        >>> same_cells([[7, 0, 8, 8, 0, 9]], [[0, 0, 4, 4, 0, 5]], left_half, right_half)
        array([[8, 4],
               [9, 5]])
    """
    maps = as_label_map(first), as_label_map(second)
    if maps[0].shape != maps[1].shape:
        raise ValueError(f"both maps must have the same shape, not {maps[0].shape} and {maps[1].shape}")
    a, b, n, sizes = _shared(*maps)
    if (n == sizes).all():  # full agreement, the usual case: every piece has its counterpart
        return np.stack([a, b], axis=1)
    # Pieces are connected by sides, even if a decoding joins corners: they are parts of its pieces.
    pieces = connected_components(maps[0], 1), connected_components(maps[1], 1)
    a, b, n, sizes = _shared(*pieces)
    same = 2 * n > sizes.max(axis=0)
    disputed = np.flatnonzero(~same & (2 * n > sizes.min(axis=0)))
    if disputed.size:
        touching = _across_seam(*pieces, first_core, second_core)
        same[disputed] = [pair in touching for pair in zip(a[disputed], b[disputed], strict=True)]
    labels = (_label_of_each(*both) for both in zip(pieces, maps, strict=True))
    pairs = [table[found[same]] for table, found in zip(labels, (a, b), strict=True)]
    return np.unique(np.stack(pairs, axis=1), axis=0)


def _shared(first: LabelMap, second: LabelMap) -> tuple[npt.NDArray[Any], ...]:
    """First and second ids of pairs that share pixels, numbers of shared pixels, and sizes in two rows."""
    overlap = overlap_matrix(first, second)
    counts = overlap.counts.tocoo()
    objects = (counts.row > 0) & (counts.col > 0)
    row, column = counts.row[objects], counts.col[objects]
    sizes = overlap.counts.sum(axis=1)[row], overlap.counts.sum(axis=0)[column]
    return overlap.row_ids[row], overlap.column_ids[column], counts.data[objects], np.stack(sizes)


def _across_seam(
    ours: LabelMap, theirs: LabelMap, first_core: Box, second_core: Box
) -> set[tuple[np.int64, np.int64]]:
    """Pairs of pieces with neighbouring pixels, each in its own core."""
    highest = ours.max()
    drawn = np.zeros_like(ours)
    drawn[first_core] = ours[first_core]
    drawn[second_core] = np.where(theirs[second_core] > 0, theirs[second_core] + highest, 0)
    pairs = touching_pairs(drawn, 1)
    return {(one, other - highest) for one, other in pairs if one <= highest < other}


def _label_of_each(pieces: LabelMap, labels: LabelMap) -> npt.NDArray[np.int64]:
    table = np.zeros(int(pieces.max(initial=0)) + 1, np.int64)
    table[pieces] = labels
    return table


def merged_ids(labels: int, pairs: npt.NDArray[Any]) -> LabelMap:
    """Merge labels 1 to `labels` into cells, numbered in the order of their first labels.

    Args:
        labels: number of labels.
        pairs: pairs of labels that are one cell, shape (pairs, 2).

    Returns:
        Cell of each label; entry 0 is the background, 0.

    Raises:
        ValueError: If there are too many labels for int32.

    Example:
        >>> merged_ids(4, np.array([[3, 1]]))
        array([0, 1, 2, 1, 3], dtype=int32)
    """
    if labels >= np.iinfo(np.int32).max:
        raise ValueError(f"{labels:,} labels are too many for int32, at most {2**31 - 2:,}; stitch parts")
    first, second = pairs.astype(np.int64).T
    graph = sparse.coo_array((np.ones(len(pairs), bool), (first, second)), shape=(labels + 1, labels + 1))
    _, parts = sparse.csgraph.connected_components(graph.tocsr(), directed=False)
    _, firsts, cells = np.unique(parts, return_index=True, return_inverse=True)
    merged: LabelMap = np.argsort(np.argsort(firsts)).astype(np.int32)[cells]
    return merged
