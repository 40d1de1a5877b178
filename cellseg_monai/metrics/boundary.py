"""How well outlines agree: boundary F1 within a tolerance, and 95 % Hausdorff distance."""

from typing import Any

import edt
import numpy as np
import numpy.typing as npt
import torch
from monai.metrics import compute_hausdorff_distance

from cellseg_monai.label_maps import as_label_map, boundaries
from cellseg_monai.metrics.cumulative import LabelMapMetric, Reduction

Mask = npt.NDArray[np.bool_]


def boundary_counts(
    pred: npt.ArrayLike, truth: npt.ArrayLike, tolerance: float = 2.0
) -> npt.NDArray[np.float64]:
    """Count outline pixels and those that have an outline pixel of the other map nearby.

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        tolerance: greatest distance that counts as nearby, in pixels.

    Returns:
        Four counts: predicted outline pixels near the truth, predicted ones, true ones near the prediction,
        true ones. The line between two cells that touch is an outline too.

    Example:
        >>> boundary_counts([[0, 1, 1, 0, 0]], [[0, 0, 0, 1, 1]], tolerance=1)
        array([1., 2., 1., 1.])
    """
    _check_tolerance(tolerance)
    one, other = as_label_map(pred), as_label_map(truth)
    if one.shape != other.shape:
        raise ValueError(f"the label maps differ in shape, {one.shape} and {other.shape}")
    edges, true_edges = boundaries(one), boundaries(other)
    near, true_near = _near(edges, true_edges, tolerance), _near(true_edges, edges, tolerance)
    return np.array([near.sum(), edges.sum(), true_near.sum(), true_edges.sum()], float)


def _near(edges: Mask, others: Mask, tolerance: float) -> Mask:
    if not others.any():
        return np.zeros_like(edges)
    squared_distance: npt.NDArray[Any] = edt.edtsq(~others, parallel=0)
    near: Mask = squared_distance <= tolerance**2 + 1e-9  # the square of a root falls short of the number
    return edges & near


def boundary_scores(counts: npt.ArrayLike, empty: float = 1.0) -> npt.NDArray[np.float64]:
    """F1 of precision (first by second count) and recall (third by fourth).

    Args:
        counts: from :func:`boundary_counts`, shape (…, 4).
        empty: the value where neither map has an outline.

    Returns:
        One number per image.

    Example:
        >>> boundary_scores([[1, 2, 1, 1]]).round(3)
        array([0.667])
    """
    near, edges, true_near, true_edges = np.moveaxis(np.asarray(counts, float), -1, 0)
    precision = np.divide(near, edges, out=np.zeros_like(edges), where=edges > 0)
    recall = np.divide(true_near, true_edges, out=np.zeros_like(edges), where=true_edges > 0)
    both = precision + recall
    f1 = np.divide(2 * precision * recall, both, out=np.zeros_like(both), where=both > 0)
    return np.where(edges + true_edges == 0, empty, f1)


def boundary_f1(
    pred: npt.ArrayLike, truth: npt.ArrayLike, tolerance: float = 2.0, empty: float = 1.0
) -> float:
    """Boundary F1 (Csurka et al. 2013), of the outlines of objects.

        P = share of predicted outline pixels at most `tolerance` from a true one
        R = share of true outline pixels at most `tolerance` from a predicted one
        F1 = 2·P·R / (P + R)

    Args:
        pred: predicted label map.
        truth: true label map of the same shape.
        tolerance: in pixels.
        empty: the value where neither map has an outline.

    Returns:
        A number from 0 to 1.

    Example:
        One of two predicted outline pixels is near the true one, which is near: P = 1/2, R = 1.

        >>> round(boundary_f1([[0, 1, 1, 0, 0]], [[0, 0, 0, 1, 1]], tolerance=1), 3)
        0.667
    """
    return float(boundary_scores(boundary_counts(pred, truth, tolerance), empty))


def hausdorff95(pred: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """95th percentile of the Hausdorff distance between two foregrounds, MONAI's.

    For each direction the distance is taken that 95 % of the outline pixels do not exceed; the greater of
    the two counts.

    Args:
        pred: predicted map; what is above 0 is foreground.
        truth: true map of the same shape.

    Returns:
        Pixels; 0 if both maps are empty, infinite if one is.

    Example:
        >>> hausdorff95([[0, 1, 0, 0, 0]], [[0, 0, 0, 0, 1]])
        3.0
    """
    one, other = as_label_map(pred) > 0, as_label_map(truth) > 0
    if one.shape != other.shape:
        raise ValueError(f"the label maps differ in shape, {one.shape} and {other.shape}")
    if not one.any() or not other.any():
        return float("inf") if one.any() or other.any() else 0.0
    one_hot, true_one_hot = (torch.from_numpy(mask)[None, None] for mask in (one, other))
    distance = compute_hausdorff_distance(one_hot, true_one_hot, include_background=True, percentile=95)
    return float(distance)


class BoundaryMetric(LabelMapMetric):
    """Boundary F1, collected over images. For the 95 % Hausdorff distance use MONAI's metric.

    Args:
        tolerance: greatest distance of outlines that agree, in pixels.
        reduction: ``"mean"`` or ``"median"`` over images, or ``"pooled"``: outlines of all images together.
        empty: the value of an image without outlines in either map; NaN leaves it out.

    Example:
        >>> import torch
        >>> metric = BoundaryMetric(tolerance=1)
        >>> metric(torch.tensor([[[[0, 1, 1, 0, 0]]]]), torch.tensor([[[[0, 0, 0, 1, 1]]]]))
        tensor([[0.6667]], dtype=torch.float64)
    """

    def __init__(self, tolerance: float = 2.0, reduction: Reduction = "mean", empty: float = 1.0) -> None:
        super().__init__(reduction)
        _check_tolerance(tolerance)
        self.tolerance = tolerance
        self.empty = empty

    def count(self, pred: npt.NDArray[Any], truth: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Outline pixels and those that agree, of both maps."""
        return boundary_counts(pred, truth, self.tolerance)

    def score(self, counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Boundary F1, in one column."""
        return boundary_scores(counts, self.empty)[:, None]


def _check_tolerance(tolerance: float) -> None:
    if tolerance < 0:
        raise ValueError(f"tolerance={tolerance} is a distance in pixels and cannot be negative")
