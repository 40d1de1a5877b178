"""F1 of the NeurIPS 2022 challenge on cells in multi-modality microscopy, as its code computes it.

Published scores depend on the details: cells at the image border do not count, and large images are scored
tile by tile. https://github.com/JunMa11/NeurIPS-CellSeg, ``baseline/compute_metric.py``.
"""

from collections.abc import Iterator
from itertools import product

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, label_map_pair
from cellseg_monai.metrics.instance import pair_counts
from cellseg_monai.metrics.matching import keep_objects, object_pairs
from cellseg_monai.metrics.ratio import Scores, ratio

BORDER = 2
TILE = 2000
TILED_FROM = 25_000_000


def neurips_counts(pred: npt.ArrayLike, truth: npt.ArrayLike, threshold: float = 0.5) -> Scores:
    """Count matched, predicted and true objects as the challenge does.

    Objects that touch the outer two pixels are removed from both maps. From 25,000,000 pixels (5,000 ×
    5,000 included) the image is cut into tiles of 2,000 × 2,000, and the last ones are padded with
    background; each tile is treated as an image, and the counts are summed.

    Args:
        pred: predicted label map, two-dimensional. Pixels with the same id are one object, wherever they lie.
        truth: true label map of the same shape.
        threshold: IoU threshold; a pair matches at or above it.

    Returns:
        Three counts: matches, predicted objects, true objects.

    Raises:
        ValueError: If a map is not two-dimensional, or the shapes differ.

    Example:
        A cell in the centre and one at the border, which does not count:

        >>> cells = np.zeros((9, 9), int)
        >>> cells[3:6, 3:6] = 1
        >>> cells[0:2, 0:2] = 2
        >>> neurips_counts(cells, cells)
        array([1., 1., 1.])
    """
    one, other = label_map_pair(pred, truth)
    if one.ndim != 2:
        raise ValueError(f"the challenge scores planes, not label maps of shape {one.shape}")
    tiles = _tiles(one, other) if one.size >= TILED_FROM else iter([(one, other, one.shape)])
    counts = np.zeros(3)
    for pred_tile, truth_tile, shape in tiles:
        pairs = object_pairs(pred_tile, truth_tile)
        inner = keep_objects(
            pairs,
            ~np.isin(pairs.pred_ids, _at_border(pred_tile, shape)),
            ~np.isin(pairs.truth_ids, _at_border(truth_tile, shape)),
        )
        counts += [pair_counts(inner, threshold)[0, 0], len(inner.pred_ids), len(inner.truth_ids)]
    return counts


def _tiles(pred: LabelMap, truth: LabelMap) -> Iterator[tuple[LabelMap, LabelMap, tuple[int, ...]]]:
    for top, left in product(*(range(0, side, TILE) for side in pred.shape)):
        tile = (slice(top, top + TILE), slice(left, left + TILE))
        yield pred[tile], truth[tile], (TILE, TILE)


def _at_border(tile: LabelMap, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """Ids in the outer pixels of a tile that is padded to a shape at the bottom and on the right."""
    bottom, right = (max(side - BORDER, 0) for side in shape)
    bands = (tile[:BORDER], tile[bottom:], tile[:, :BORDER], tile[:, right:])
    return np.unique(np.concatenate([band.ravel() for band in bands]))


def neurips_scores(counts: npt.ArrayLike, empty: float = 0.0) -> Scores:
    """F1 = 2·matches / (predicted + true), or ``empty`` if there is no object in either map.

    Args:
        counts: counts from :func:`neurips_counts`, shape (…, 3).
        empty: score of an image without objects in either map. The challenge uses 0, even if nothing is
            predicted.

    Returns:
        One score per image.

    Example:
        >>> neurips_scores([[2, 3, 5], [0, 0, 0]])
        array([0.5, 0. ])
    """
    matches, predicted, true = np.moveaxis(np.asarray(counts, float), -1, 0)
    return ratio(2 * matches, predicted + true, empty)


def neurips_f1(
    pred: npt.ArrayLike, truth: npt.ArrayLike, threshold: float = 0.5, empty: float = 0.0
) -> float:
    """F1 of one image as the NeurIPS 2022 challenge computes it.

    Args:
        pred: predicted label map, two-dimensional.
        truth: true label map of the same shape.
        threshold: IoU threshold; a pair matches at or above it.
        empty: score of an image without objects in either map; 0 in the challenge.

    Returns:
        Score from 0 to 1. The challenge rounds it to four digits before it takes the mean and the median over
        the images; here it is not rounded.

    Example:
        >>> cells = np.zeros((9, 9), int)
        >>> cells[3:6, 3:6] = 1
        >>> neurips_f1(cells, cells), neurips_f1(0 * cells, 0 * cells)
        (1.0, 0.0)
    """
    return float(neurips_scores(neurips_counts(pred, truth, threshold), empty))
