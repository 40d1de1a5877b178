"""Agreement of outlines: boundary F1 within a tolerance, and 95 % Hausdorff distance."""

from typing import Any

import edt
import numpy as np
import numpy.typing as npt
import torch
from monai.metrics import compute_hausdorff_distance

from cellseg_monai.label_maps import boundaries, label_map_pair
from cellseg_monai.metrics.ratio import Scores, ratio

Mask = npt.NDArray[np.bool_]


def boundary_counts(pred: npt.ArrayLike, truth: npt.ArrayLike, tolerance: float = 2.0) -> Scores:
    """Count outline pixels, and those with an outline pixel of the other map nearby.

    The line between two touching cells is an outline as well.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        tolerance: largest distance in pixels that counts as nearby.

    Returns:
        Four counts: predicted outline pixels near the truth, all predicted ones, true outline pixels near the
        prediction, all true ones.

    Raises:
        ValueError: If the shapes differ or the tolerance is negative.

    Example:
        >>> boundary_counts([[0, 1, 1, 0, 0]], [[0, 0, 0, 1, 1]], tolerance=1)
        array([1., 2., 1., 1.])
    """
    if tolerance < 0:
        raise ValueError(f"tolerance={tolerance} is a distance in pixels and cannot be negative")
    edges, true_edges = (boundaries(labels) for labels in label_map_pair(pred, truth))
    near, true_near = _near(edges, true_edges, tolerance), _near(true_edges, edges, tolerance)
    return np.array([near.sum(), edges.sum(), true_near.sum(), true_edges.sum()], float)


def _near(edges: Mask, others: Mask, tolerance: float) -> Mask:
    if not others.any():
        return np.zeros_like(edges)
    squared_distance: npt.NDArray[Any] = edt.edtsq(~others, parallel=0)
    near: Mask = squared_distance <= tolerance**2 + 1e-9  # a tolerance of √2, squared, is below 2
    return edges & near


def boundary_scores(counts: npt.ArrayLike, empty: float = 1.0) -> Scores:
    """F1 of precision (first by second count) and recall (third by fourth count).

    Args:
        counts: counts from :func:`boundary_counts`, shape (…, 4).
        empty: score where neither map has an outline.

    Returns:
        One score per image.

    Example:
        >>> boundary_scores([[1, 2, 1, 1]]).round(3)
        array([0.667])
    """
    near, edges, true_near, true_edges = np.moveaxis(np.asarray(counts, float), -1, 0)
    precision, recall = ratio(near, edges), ratio(true_near, true_edges)
    f1 = ratio(2 * precision * recall, precision + recall)
    return np.where(edges + true_edges == 0, empty, f1)


def boundary_f1(
    pred: npt.ArrayLike, truth: npt.ArrayLike, tolerance: float = 2.0, empty: float = 1.0
) -> float:
    """Boundary F1 (Csurka et al. 2013) of the outlines of objects.

        P = fraction of predicted outline pixels at most `tolerance` from a true one
        R = fraction of true outline pixels at most `tolerance` from a predicted one
        F1 = 2·P·R / (P + R)

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        tolerance: tolerance in pixels.
        empty: score where neither map has an outline.

    Returns:
        Score from 0 to 1.

    Example:
        One of two predicted outline pixels is near the true one, which is near: P = 1/2, R = 1.

        >>> round(boundary_f1([[0, 1, 1, 0, 0]], [[0, 0, 0, 1, 1]], tolerance=1), 3)
        0.667
    """
    return float(boundary_scores(boundary_counts(pred, truth, tolerance), empty))


def hausdorff95(pred: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """95 % Hausdorff distance between two foregrounds, as MONAI computes it.

    In each direction it is the distance that 95 % of the outline pixels do not exceed; the larger of the two
    counts.

    Args:
        pred: predicted map; values above 0 are foreground.
        truth: true map of the same shape.

    Returns:
        Distance in pixels; 0 if both maps are empty, infinite if one is.

    Example:
        >>> hausdorff95([[0, 1, 0, 0, 0]], [[0, 0, 0, 0, 1]])
        3.0
    """
    masks = [labels > 0 for labels in label_map_pair(pred, truth)]
    if not all(mask.any() for mask in masks):
        return float("inf") if any(mask.any() for mask in masks) else 0.0
    one_hot = (torch.from_numpy(mask)[None, None] for mask in masks)
    return float(compute_hausdorff_distance(*one_hot, include_background=True, percentile=95))
