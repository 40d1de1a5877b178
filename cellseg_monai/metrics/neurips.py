"""F1 of the NeurIPS 2022 challenge on cells in multi-modality microscopy, as its code computes it.

Published scores hang on the details: cells at the edge of the image do not count, and large images are scored
tile by tile. https://github.com/JunMa11/NeurIPS-CellSeg, ``baseline/compute_metric.py``.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, as_label_map
from cellseg_monai.metrics.cumulative import LabelMapMetric, Reduction
from cellseg_monai.metrics.instance import pair_counts
from cellseg_monai.metrics.matching import check_threshold, keep_objects, object_pairs

BORDER = 2
TILE = 2000
TILED_FROM = 25_000_000


def neurips_counts(
    pred: npt.ArrayLike, truth: npt.ArrayLike, threshold: float = 0.5
) -> npt.NDArray[np.float64]:
    """Matched, predicted and true objects as the challenge counts them.

    Objects that touch the outer two pixels are erased from both maps. From 25,000,000 pixels on (5,000 ×
    5,000 included) the image is cut into tiles of 2,000 × 2,000, the last ones filled up with background;
    each tile is treated as an image, and the counts are summed.

    Args:
        pred: predicted label map, two-dimensional. Pixels of one id are one object, wherever they lie.
        truth: true label map of the same shape.
        threshold: objects match if their IoU is at least this.

    Returns:
        Three numbers: matches, predicted objects, true objects.

    Raises:
        ValueError: a map has not two dimensions, or the shapes differ.

    Example:
        A cell in the middle and one at the edge, which does not count:

        >>> cells = np.zeros((9, 9), int)
        >>> cells[3:6, 3:6] = 1
        >>> cells[0:2, 0:2] = 2
        >>> neurips_counts(cells, cells)
        array([1., 1., 1.])
    """
    one, other = as_label_map(pred), as_label_map(truth)
    if one.ndim != 2 or one.shape != other.shape:
        raise ValueError(f"two planes of one shape are compared, these have {one.shape} and {other.shape}")
    tiles = _tiles(one, other) if one.size >= TILED_FROM else iter([(one, other, one.shape)])
    counts = np.zeros(3)
    for pred_tile, truth_tile, shape in tiles:
        pairs = object_pairs(pred_tile, truth_tile)
        inner = keep_objects(
            pairs,
            ~np.isin(pairs.pred_ids, _at_border(pred_tile, shape)),
            ~np.isin(pairs.truth_ids, _at_border(truth_tile, shape)),
        )
        hits = pair_counts(inner, threshold)[0, 0]
        counts += [hits, len(inner.pred_ids), len(inner.truth_ids)]
    return counts


def _tiles(pred: LabelMap, truth: LabelMap) -> Iterator[tuple[LabelMap, LabelMap, tuple[int, ...]]]:
    for top in range(0, pred.shape[0], TILE):
        for left in range(0, pred.shape[1], TILE):
            tile = (slice(top, top + TILE), slice(left, left + TILE))
            yield pred[tile], truth[tile], (TILE, TILE)


def _at_border(tile: LabelMap, shape: tuple[int, ...]) -> npt.NDArray[np.int32]:
    """Ids in the outer pixels of a tile that is filled up to a shape below and on the right."""
    bottom, right = (max(side - BORDER, 0) for side in shape)
    bands = (tile[:BORDER], tile[bottom:], tile[:, :BORDER], tile[:, right:])
    return np.unique(np.concatenate([band.ravel() for band in bands]))


def neurips_scores(counts: npt.ArrayLike, empty: float = 0.0) -> npt.NDArray[np.float64]:
    """F1 = 2·matches / (predicted + true), and ``empty`` where there is no object in either map.

    Args:
        counts: from :func:`neurips_counts`, shape (…, 3).
        empty: the challenge gives 0 to an image without cells, also if nothing is predicted.

    Returns:
        One number per image.

    Example:
        >>> neurips_scores([[2, 3, 5], [0, 0, 0]])
        array([0.5, 0. ])
    """
    hits, predicted, true = np.moveaxis(np.asarray(counts, float), -1, 0)
    objects = predicted + true
    score: npt.NDArray[np.float64] = np.full_like(objects, empty)
    np.divide(2 * hits, objects, out=score, where=objects > 0)
    return score


def neurips_f1(
    pred: npt.ArrayLike, truth: npt.ArrayLike, threshold: float = 0.5, empty: float = 0.0
) -> float:
    """F1 of one image as the NeurIPS 2022 challenge computes it.

    Args:
        pred: predicted label map, two-dimensional.
        truth: true label map of the same shape.
        threshold: objects match if their IoU is at least this.
        empty: the value of an image without objects in either map; 0 in the challenge.

    Returns:
        A number from 0 to 1. The challenge rounds it to four places before it takes the mean and the median
        over the images; here it is not rounded.

    Example:
        >>> cells = np.zeros((9, 9), int)
        >>> cells[3:6, 3:6] = 1
        >>> neurips_f1(cells, cells), neurips_f1(0 * cells, 0 * cells)
        (1.0, 0.0)
    """
    return float(neurips_scores(neurips_counts(pred, truth, threshold), empty))


class NeuripsMetric(LabelMapMetric):
    """F1 of the NeurIPS 2022 challenge, collected over images.

    Args:
        threshold: objects match if their IoU is at least this.
        reduction: ``"mean"`` or ``"median"`` over images, the two that the challenge reports, or
            ``"pooled"``.
        empty: the value of an image without objects in either map; 0 in the challenge.

    Example:
        >>> import torch
        >>> cells = torch.zeros(1, 1, 9, 9, dtype=torch.int32)
        >>> cells[..., 3:6, 3:6] = 1
        >>> metric = NeuripsMetric(reduction="median")
        >>> metric(cells, cells)
        tensor([[1.]], dtype=torch.float64)
    """

    def __init__(self, threshold: float = 0.5, reduction: Reduction = "mean", empty: float = 0.0) -> None:
        super().__init__(reduction)
        check_threshold(threshold)
        self.threshold = threshold
        self.empty = empty

    def count(self, pred: npt.NDArray[Any], truth: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Matches, predicted and true objects."""
        return neurips_counts(pred, truth, self.threshold)

    def score(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """F1, in one column."""
        return neurips_scores(counts, self.empty)[:, None]
