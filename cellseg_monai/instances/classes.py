"""Class probabilities to a class map, or to one class for each object.

A class map gives the class of each pixel. It suits parts of a cell, such as nucleus and cytoplasm. If the
classes are kinds of cells, each cell needs a single class: its pixels vote.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.instances.decoding import Decoding, Decodingd, Map, Probability, like
from cellseg_monai.instances.tidying import require_finite
from cellseg_monai.label_maps import LabelMap, as_label_map


class ClassVotes(NamedTuple):
    """Class of each object by majority vote.

    Attributes:
        classes: class of each id from 0 to the highest; 0 for the background and for ids without pixels.
            ``classes[labels]`` is the class map of the objects.
        shares: fraction of the votes of each object that its class received, from 0 to 1.

    Example:
        >>> ClassVotes(np.array([0, 2]), np.array([0.0, 0.75])).classes[np.array([[0, 1, 1]])]
        array([[0, 2, 2]])
    """

    classes: npt.NDArray[np.int32]
    shares: npt.NDArray[np.float64]


def class_map(class_probability: npt.NDArray[Any]) -> LabelMap:
    """Most likely class of each pixel; the first one in a tie.

    Args:
        class_probability: probabilities of shape (classes, spatial…), background first. Logits give the same
            map.

    Example:
        >>> class_map(np.array([[[0.6, 0.2]], [[0.3, 0.1]], [[0.1, 0.7]]]))
        array([[0, 2]], dtype=int32)
    """
    require_finite(class_probability, "class probability")
    most_likely: LabelMap = class_probability.argmax(axis=0).astype(np.int32)
    return most_likely


def class_votes(labels: npt.ArrayLike, class_probability: npt.NDArray[Any]) -> ClassVotes:
    """Give each object the class of most of its pixels.

    Each pixel of an object votes for its most likely class other than background:
    share(c, O) = |{p in O : argmax over k ≥ 1 of P(k | p) = c}| / |O|. The class with the largest share wins;
    in a tie, the lower class.

    Args:
        labels: label map.
        class_probability: probabilities of shape (classes, spatial…), background first.

    Returns:
        Class and share of each id.

    Raises:
        ValueError: If the shapes do not match, there is no class besides background, or the map contains NaN.

    Example:
        >>> probability = np.array([[[0.9, 0.1, 0.2, 0.1]], [[0.1, 0.8, 0.3, 0.2]], [[0.0, 0.1, 0.5, 0.7]]])
        >>> votes = class_votes([[0, 5, 5, 5]], probability)
        >>> int(votes.classes[5]), round(float(votes.shares[5]), 2)
        (2, 0.67)
    """
    ids = as_label_map(labels)
    if class_probability.shape[1:] != ids.shape or class_probability.shape[0] < 2:
        raise ValueError(
            f"class probabilities of shape {class_probability.shape} do not match labels of shape "
            f"{ids.shape}; they need one channel per class on the first axis, background first"
        )
    require_finite(class_probability, "class probability")
    kinds = len(class_probability) - 1
    inside = np.flatnonzero(ids)
    chosen = class_probability[1:].reshape(kinds, -1)[:, inside].argmax(axis=0)
    length = int(ids.max(initial=0)) + 1
    ballots = ids.ravel()[inside].astype(np.int64) * kinds + chosen
    counts = np.bincount(ballots, minlength=length * kinds).reshape(length, kinds)
    total = counts.sum(axis=1)
    winner = counts.argmax(axis=1)
    shares = counts[np.arange(length), winner] / np.maximum(total, 1)
    return ClassVotes(np.where(total > 0, winner + 1, 0).astype(np.int32), shares)


@dataclass(frozen=True, kw_only=True)
class ClassMap(Decoding):
    """Array transform of :func:`class_map`.

    Args:
        logits: whether the input is the raw output of a network. If False, it must hold probabilities.

    Example:
        >>> import torch
        >>> ClassMap()(torch.tensor([[[3.0, -1.0]], [[0.0, -2.0]], [[1.0, 4.0]]]))
        tensor([[[0, 2]]], dtype=torch.int32)
    """

    decodes = "classes"
    channels = None
    background_first = True

    def __call__(self, prediction: Map) -> Map:
        """Take the largest value of each pixel; a softmax would not change which one that is."""
        return like(prediction, self.decode(self.checked(prediction).cpu().numpy()), np.int32)

    def decode(self, probability: Probability) -> LabelMap:
        """Find the most likely class of each pixel."""
        return class_map(probability)[None]


class ClassMapd(Decodingd, of=ClassMap):
    """Dictionary transform of :func:`class_map`, with the options of :class:`ClassMap`.

    Example:
        >>> ClassMapd("pred")({"pred": np.array([[[3.0, -1.0]], [[0.0, 4.0]]])})
        {'pred': array([[[0, 1]]], dtype=int32)}
    """
