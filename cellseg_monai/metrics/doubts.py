"""Annotations that are probably wrong: objects where a confident prediction contradicts the label map."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse

from cellseg_monai.label_maps import LabelMap, label_map_pair, relabel
from cellseg_monai.metrics.counting import containment
from cellseg_monai.metrics.matching import best_assignment, object_pairs

DoubtKind = Literal["missing", "extra", "merged", "split", "shifted"]
DOUBT_KINDS: tuple[DoubtKind, ...] = get_args(DoubtKind)
"""Kinds of doubts."""

_Probability = npt.NDArray[np.float64]

_PARTNER = 0.1
_SHIFTED, _OF_TYPICAL = 0.5, 2 / 3


class Doubt(NamedTuple):
    """An annotation that the prediction contradicts.

    Attributes:
        kind: what is probably wrong with the annotation, see :func:`label_doubts`.
        confidence: confidence of the contradiction, from 0 to 1.
        box: x, y, width and height of the box around all objects involved, in pixels.
        centre: x and y of the mean of their pixels.
        truth_ids: annotated objects involved, empty for ``"missing"``.
        pred_ids: predicted objects involved, empty for ``"extra"``.

    Example:
        >>> label_doubts([[0, 5, 5]], [[0, 0, 0]], np.array([[0.1, 0.8, 1.0]]))[0].box
        (1, 0, 2, 1)
    """

    kind: DoubtKind
    confidence: float
    box: tuple[int, int, int, int]
    centre: tuple[float, float]
    truth_ids: tuple[int, ...]
    pred_ids: tuple[int, ...]


def label_doubts(
    pred: npt.ArrayLike, truth: npt.ArrayLike, probability: npt.ArrayLike, *, min_confidence: float = 0.25
) -> list[Doubt]:
    """Find annotations that are probably wrong, the most certain first.

    The prediction should come from a network that was not trained with these annotations. Objects are
    partners if their IoU is at least 0.1 and the sum of the IoU of all partners is largest.

    - ``"missing"``: a predicted object has no partner; an object may not be annotated.
    - ``"extra"``: an annotated object has no partner; there may be no object.
    - ``"shifted"``: the IoU of two partners is below 0.5, or below two-thirds of the median of the image.
    - ``"merged"``: more than half of each of several predicted objects lies in one annotated object.
    - ``"split"``: more than half of each of several annotated objects lies in one predicted object.

    The confidence is the sum of the contradictions of the pixels divided by the number of pixels n of all
    objects involved. With the probability p, a pixel contradicts by

    - p, where only the prediction has an object, and 1 − p, where only the annotation has one
      (missing, extra, shifted);
    - p, where it is in one of the several objects but not in the largest of them (merged, split; n is the
      number of pixels of the one object). So a cell of two equal halves has p / 2.

    Objects of usual size come first: if n is less than a quarter of the median size m of all objects of both
    maps, the confidence is multiplied by 4 · n / m. This concerns debris, and cells cut off by the edge.

    Args:
        pred: predicted label map.
        truth: annotated label map of the same shape.
        probability: foreground probability of each pixel.
        min_confidence: lowest confidence of a doubt.

    Returns:
        Doubts, sorted by confidence.

    Raises:
        ValueError: the shapes differ, an array is not a label map of one plane, a probability is not finite,
            or `min_confidence` is not between 0 and 1.

    Example:
        The network is sure of a cell that nobody annotated, (0.8 + 1.0) / 2, and that the annotated cell 7 is
        two cells, (0.9 + 0.7) / 4.

        >>> pred = [[5, 5, 0, 1, 1, 2, 2]]
        >>> truth = [[0, 0, 0, 7, 7, 7, 7]]
        >>> probability = [[0.8, 1.0, 0.1, 0.9, 0.9, 0.9, 0.7]]
        >>> for doubt in label_doubts(pred, truth, probability):
        ...     print(doubt.kind, round(doubt.confidence, 2), doubt.truth_ids, doubt.pred_ids)
        missing 0.9 () (5,)
        merged 0.4 (7,) (1, 2)
    """
    predicted, annotated = label_map_pair(pred, truth)
    sure = np.clip(np.asarray(probability, np.float64), 0, 1)
    if predicted.ndim != 2 or sure.shape != predicted.shape:
        raise ValueError(
            f"the label maps have shape {predicted.shape} and the probability map {sure.shape}; "
            "give one plane of the same rows and columns"
        )
    if not np.isfinite(sure).all():
        raise ValueError("the probability map has values that are not finite; predict the image again")
    if not 0 <= min_confidence <= 1:
        raise ValueError(f"min_confidence={min_confidence} must be from 0 to 1")
    ids = np.unique(annotated[annotated > 0]), np.unique(predicted[predicted > 0])
    maps = relabel(annotated), relabel(predicted)  # so that object k is at place k − 1
    boxes = ndimage.find_objects(maps[0]), ndimage.find_objects(maps[1])
    found = [
        *_without_good_partner(*maps, sure),
        *(_Found("merged", *each) for each in _several_in_one(*maps, sure)),
        *(_Found("split", share, several, one) for share, one, several in _several_in_one(*maps[::-1], sure)),
    ]
    sizes = np.concatenate([np.bincount(each.ravel())[1:] for each in maps])
    small = float(np.median(sizes)) / 4 if len(sizes) else 0.0
    doubts = [_located(each, maps, ids, boxes, small) for each in found]
    return sorted(
        (each for each in doubts if each.confidence >= min_confidence), key=lambda one: -one.confidence
    )


class _Found(NamedTuple):
    """A doubt; objects are places in the ascending ids."""

    kind: DoubtKind
    confidence: float
    truth: Sequence[int]
    pred: Sequence[int]


def _without_good_partner(truth: LabelMap, pred: LabelMap, sure: _Probability) -> Iterator[_Found]:
    pairs = object_pairs(pred, truth)
    only_pred = _sums(np.where(truth > 0, 0, sure), pred, len(pairs.pred_ids))
    only_truth = _sums(np.where(pred > 0, 0, 1 - sure), truth, len(pairs.truth_ids))
    near = np.flatnonzero(pairs.iou >= _PARTNER)
    partners = near[best_assignment(pairs.pred[near], pairs.truth[near], pairs.iou[near])]
    iou, first, second = pairs.iou[partners], pairs.pred[partners], pairs.truth[partners]
    for place in np.setdiff1d(np.arange(len(only_pred)), first).tolist():
        yield _Found("missing", float(only_pred[place] / pairs.pred_sizes[place]), [], [place])
    for place in np.setdiff1d(np.arange(len(only_truth)), second).tolist():
        yield _Found("extra", float(only_truth[place] / pairs.truth_sizes[place]), [place], [])
    lowest = max(_SHIFTED, _OF_TYPICAL * float(np.median(iou))) if len(iou) else 0.0
    union = pairs.pred_sizes[first] + pairs.truth_sizes[second] - pairs.shared[partners]
    contradiction = (only_pred[first] + only_truth[second]) / union
    for place in np.flatnonzero(iou < lowest).tolist():
        yield _Found("shifted", float(contradiction[place]), [int(second[place])], [int(first[place])])


def _several_in_one(
    outer: LabelMap, inner: LabelMap, sure: _Probability
) -> Iterator[tuple[float, list[int], list[int]]]:
    """Confidence that an object should be several, its place, and the places of the objects in it."""
    pairs = object_pairs(inner, outer)
    inside, _ = containment(pairs)
    both = (inner > 0) & (outer > 0)
    shape = len(pairs.pred_ids), len(pairs.truth_ids)
    weights = sparse.coo_array((sure[both], (inner[both] - 1, outer[both] - 1)), shape).tocsr()
    for place in np.flatnonzero(np.bincount(pairs.truth[inside]) > 1).tolist():
        those = np.flatnonzero(inside & (pairs.truth == place))
        parts = pairs.pred[those].tolist()
        largest = parts[np.argmax(pairs.shared[those])]
        total = sum(float(weights[part, place]) for part in parts if part != largest)
        yield total / float(pairs.truth_sizes[place]), [place], parts


def _located(
    found: _Found,
    maps: tuple[LabelMap, LabelMap],
    ids: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]],
    boxes: tuple[list[tuple[slice, ...]], list[tuple[slice, ...]]],
    small: float,
) -> Doubt:
    """Add ids and position to a doubt; objects below the size `small` weigh less."""
    involved = (found.truth, found.pred)
    around = [boxes[side][place] for side in (0, 1) for place in involved[side]]
    top, left = (min(box[axis].start for box in around) for axis in (0, 1))
    bottom, right = (max(box[axis].stop for box in around) for axis in (0, 1))
    window = np.s_[top:bottom, left:right]
    pixels = [np.isin(maps[side][window], np.add(involved[side], 1)) for side in (0, 1)]
    rows, columns = np.nonzero(pixels[0] | pixels[1])
    truth_ids, pred_ids = (tuple(ids[side][list(involved[side])].tolist()) for side in (0, 1))
    centre = (float(columns.mean()) + left, float(rows.mean()) + top)
    box = (left, top, right - left, bottom - top)
    confidence = found.confidence * min(1.0, len(rows) / small)
    return Doubt(found.kind, confidence, box, centre, truth_ids, pred_ids)


def _sums(values: _Probability, label_map: LabelMap, count: int) -> _Probability:
    """Sum of the values in each of the objects 1 to count."""
    sums = np.bincount(label_map.ravel(), values.ravel(), minlength=count + 1)[1:]
    return sums.astype(np.float64)
