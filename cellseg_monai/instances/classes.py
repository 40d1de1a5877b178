"""Class probabilities to a class map, or to one class for each object.

A class map says what each pixel is, and suits parts of a cell, such as nucleus and cytoplasm. Where the
classes are kinds of cell, the cell as a whole should have one: its pixels vote.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection

from cellseg_monai.instances.decoding import Decoding, Decodingd, Probability
from cellseg_monai.instances.morphology import require_numbers
from cellseg_monai.label_maps import LabelMap, as_label_map


class ClassVotes(NamedTuple):
    """The class of each object by vote.

    Attributes:
        classes: class of each id from 0 to the highest; 0 for the background and for an id without pixels. So
            ``classes[labels]`` is the map of the objects' classes.
        shares: the part of the object's votes that its class got, from 0 to 1.

    Example:
        >>> ClassVotes(np.array([0, 2]), np.array([0.0, 0.75])).classes[np.array([[0, 1, 1]])]
        array([[0, 2, 2]])
    """

    classes: npt.NDArray[np.int32]
    shares: npt.NDArray[np.float64]


def class_map(class_probability: npt.NDArray[Any]) -> LabelMap:
    """The likeliest class of each pixel, of equals the first.

    Args:
        class_probability: of shape (classes, spatial…), background first; logits give the same map.

    Example:
        >>> class_map(np.array([[[0.6, 0.2]], [[0.3, 0.1]], [[0.1, 0.7]]]))
        array([[0, 2]], dtype=int32)
    """
    require_numbers(class_probability, "class probability")
    likeliest: LabelMap = class_probability.argmax(axis=0).astype(np.int32)
    return likeliest


def class_votes(labels: npt.ArrayLike, class_probability: npt.NDArray[Any]) -> ClassVotes:
    """Give each object the class that most of its pixels have.

    Each pixel of an object votes for its likeliest class, background aside:
    share(c, O) = |{p in O : argmax over k ≥ 1 of P(k | p) = c}| / |O|. The largest share wins, of equal ones
    that of the lower class.

    Args:
        labels: label map.
        class_probability: of shape (classes, spatial…), background first.

    Returns:
        Class and share by id.

    Raises:
        ValueError: the shapes do not fit, there is no class beside the background, or the map holds NaN.

    Example:
        >>> probability = np.array([[[0.9, 0.1, 0.2, 0.1]], [[0.1, 0.8, 0.3, 0.2]], [[0.0, 0.1, 0.5, 0.7]]])
        >>> votes = class_votes([[0, 5, 5, 5]], probability)
        >>> int(votes.classes[5]), round(float(votes.shares[5]), 2)
        (2, 0.67)
    """
    ids = as_label_map(labels)
    if class_probability.shape[1:] != ids.shape or class_probability.shape[0] < 2:
        raise ValueError(
            f"class probabilities of shape {class_probability.shape} do not fit labels of shape {ids.shape}; "
            "they have one channel a class in front, background first, and at least one class beside it"
        )
    require_numbers(class_probability, "class probability")
    kinds = len(class_probability) - 1
    inside = np.flatnonzero(ids)
    chosen = class_probability[1:].reshape(kinds, -1)[:, inside].argmax(axis=0)
    length = int(ids.max(initial=0)) + 1
    ballot = ids.ravel()[inside].astype(np.int64) * kinds + chosen
    counts = np.bincount(ballot, minlength=length * kinds).reshape(length, kinds)
    total = counts.sum(axis=1)
    winner = counts.argmax(axis=1)
    shares = counts[np.arange(length), winner] / np.maximum(total, 1)
    return ClassVotes(np.where(total > 0, winner + 1, 0).astype(np.int32), shares)


class ClassMap(Decoding):
    """Array transform of :func:`class_map`.

    Args:
        logits: the map is the raw output of a network; False: it holds probabilities, and is held to it.

    Example:
        >>> ClassMap()(torch.tensor([[[3.0, -1.0]], [[0.0, -2.0]], [[1.0, 4.0]]]))
        tensor([[[0, 2]]], dtype=torch.int32)
    """

    decodes = "classes"
    channels = None

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits as they are: the softmax keeps their order."""
        return logits

    def decode(self, probability: Probability) -> LabelMap:
        """The likeliest class of each pixel."""
        return class_map(probability)[None]


class ClassMapd(Decodingd):
    """Dictionary transform of :func:`class_map`.

    Args:
        keys: what a network predicts for the classes.
        logits: the map is the raw output of a network; False: it holds probabilities, and is held to it.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> ClassMapd("pred")({"pred": np.array([[[3.0, -1.0]], [[0.0, 4.0]]])})
        {'pred': array([[[0, 1]]], dtype=int32)}
    """

    decodes = ClassMap.decodes

    def __init__(self, keys: KeysCollection, logits: bool = True, allow_missing_keys: bool = False) -> None:
        super().__init__(keys, ClassMap(logits), allow_missing_keys)
