"""Which labels of two overlapping tiles are one cell, and which of all tiles together."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cellseg_monai.label_maps import LabelMap, as_label_map, connected_components, touching_pairs

Box = tuple[slice, ...]


def same_cells(
    first: npt.ArrayLike, second: npt.ArrayLike, first_core: Box, second_core: Box
) -> npt.NDArray[np.int64]:
    r"""Which labels of two tiles are one cell, judged by the pixels that both have seen.

    Both maps are cut into connected pieces. Let $n$ be the pixels that a piece $a$ of the one shares with a
    piece $b$ of the other. Their labels are one cell if

    $$n > \tfrac12 \max(|a|, |b|) \quad\text{or}\quad n > \tfrac12 \min(|a|, |b|)
    \text{ and } a \text{ touches } b \text{ across the seam.}$$

    Where the tiles agree, every piece has its twin and the first rule decides. The second holds together
    a cell that one tile has split; a sliver that two tiles dispute far from the seam joins nothing.

    Args:
        first: labels by the first tile of the pixels that lie in both windows.
        second: labels of the same pixels by the second tile.
        first_core: where among these pixels the core of the first tile lies; may be empty.
        second_core: the same of the second tile.

    Returns:
        Pairs of labels, first and second, of shape (pairs, 2), sorted.

    Raises:
        ValueError: the shapes differ.

    Example:
        >>> left_half, right_half = (slice(0, 1), slice(0, 3)), (slice(0, 1), slice(3, 6))
        >>> same_cells([[7, 0, 8, 8, 0, 9]], [[0, 0, 4, 4, 0, 5]], left_half, right_half)
        array([[8, 4],
               [9, 5]])
    """
    maps = as_label_map(first), as_label_map(second)
    if maps[0].shape != maps[1].shape:
        raise ValueError(f"the tiles see the same pixels, but as {maps[0].shape} and {maps[1].shape}")
    if max(labels.max(initial=0) for labels in maps) <= maps[0].size:
        a, b, n, sizes = _shared(*maps)
        if (n == sizes).all():  # full agreement, the usual case: whatever the pieces, each has its twin
            return np.stack([a, b], axis=1).astype(np.int64)
    # Pieces by sides, also where a decoding lets corners join: these are parts of those, and twins as well.
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
    """Ids that share pixels, first and second; how many they share; how many each has, in two rows.

    Strips are narrow and many, and their ids are low: quicker so than by ``label_maps.overlap_matrix``.
    """
    both = (first > 0) & (second > 0)
    sizes = np.bincount(first.ravel(), minlength=1), np.bincount(second.ravel(), minlength=1)
    ones = np.ones(np.count_nonzero(both), np.int64)
    pixels = sparse.coo_array((ones, (first[both], second[both])), shape=(len(sizes[0]), len(sizes[1])))
    counts = pixels.tocsr().tocoo()
    a, b = counts.coords
    return a, b, counts.data, np.stack([sizes[0][a], sizes[1][b]])


def _across_seam(
    ours: LabelMap, theirs: LabelMap, first_core: Box, second_core: Box
) -> set[tuple[np.int64, np.int64]]:
    """Pairs of pieces with pixels side by side, each in its own core."""
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
    """Number the cells that labels 1 to `labels` are merged into, by the first label of each.

    Args:
        labels: how many there are.
        pairs: labels that are one cell, of shape (pairs, 2).

    Returns:
        The cell of each label; entry 0 is the background, 0.

    Raises:
        ValueError: there are more labels than int32 has numbers.

    Example:
        >>> merged_ids(4, np.array([[3, 1]]))
        array([0, 1, 2, 1, 3], dtype=int32)
    """
    if labels >= np.iinfo(np.int32).max:
        raise ValueError(
            f"the tiles hold {labels:,} labels, int32 has numbers for {2**31 - 2:,}; stitch parts"
        )
    first, second = pairs.astype(np.int64).T
    graph = sparse.coo_array((np.ones(len(pairs), bool), (first, second)), shape=(labels + 1, labels + 1))
    _, parts = sparse.csgraph.connected_components(graph.tocsr(), directed=False)
    _, firsts, cells = np.unique(parts, return_index=True, return_inverse=True)
    merged: LabelMap = np.argsort(np.argsort(firsts)).astype(np.int32)[cells]
    return merged
