"""Which labels of two overlapping tiles are one cell, and which of all tiles together."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from cellseg_monai.label_maps import LabelMap, connected_components, touching_pairs

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
    # Pieces by sides, also where a decoding lets corners join: these are parts of those, and twins as well.
    ours, theirs = connected_components(first, 1), connected_components(second, 1)
    if ours.shape != theirs.shape:
        raise ValueError(f"the tiles see the same pixels, but as {ours.shape} and {theirs.shape}")
    both = (ours > 0) & (theirs > 0)
    # Strips are narrow and many, and pieces are numbered on: quicker so than by label_maps.overlap_matrix.
    all_sizes = np.bincount(ours.ravel(), minlength=1), np.bincount(theirs.ravel(), minlength=1)
    pixels = (ours[both], theirs[both])
    ones = np.ones(len(pixels[0]), np.int64)
    counts = sparse.coo_array((ones, pixels), tuple(map(len, all_sizes))).tocsr().tocoo()
    (a, b), n = counts.coords, counts.data
    sizes_a, sizes_b = all_sizes[0][a], all_sizes[1][b]
    same = 2 * n > np.maximum(sizes_a, sizes_b)
    disputed = np.flatnonzero(~same & (2 * n > np.minimum(sizes_a, sizes_b)))
    if disputed.size:
        touching = _across_seam(ours, theirs, first_core, second_core)
        same[disputed] = [pair in touching for pair in zip(a[disputed], b[disputed], strict=True)]
    labels = np.zeros(len(all_sizes[0]), np.int64), np.zeros(len(all_sizes[1]), np.int64)
    for label_of, pieces, whole in zip(labels, pixels, (first, second), strict=True):
        label_of[pieces] = np.asarray(whole)[both]
    return np.unique(np.stack([labels[0][a[same]], labels[1][b[same]]], axis=1), axis=0)


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
