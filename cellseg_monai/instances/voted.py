"""Class logits to cells with one class each: pieces of foreground whose pixels vote."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.data import MetaTensor
from monai.utils import convert_to_dst_type

from cellseg_monai.instances.classes import ClassVotes, class_votes
from cellseg_monai.instances.connected import components
from cellseg_monai.instances.decoding import Decoding, Decodingd, Probability
from cellseg_monai.instances.morphology import Morphology, check_tidying
from cellseg_monai.label_maps import LabelMap


def voted_components(
    class_probability: npt.NDArray[Any],
    threshold: float = 0.5,
    morphology: Morphology = "none",
    radius: int = 1,
    max_hole: int = 0,
    min_size: int = 0,
) -> tuple[LabelMap, ClassVotes]:
    """Find the pieces of foreground, which is every class but the first, and the class of each.

    Args:
        class_probability: of shape (classes, spatial…), background first, summing to 1.
        threshold: foreground lies above it.
        morphology: opening takes away thin bridges and specks, closing fills thin gaps.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.

    Returns:
        Objects numbered from 1 without gaps, and their classes by vote.

    Raises:
        ValueError: an option is out of its range, there is no class beside the background, or a value is NaN.

    Example:
        >>> probability = np.array([[[0.1, 0.9, 0.2, 0.1]], [[0.8, 0.1, 0.3, 0.2]], [[0.1, 0.0, 0.5, 0.7]]])
        >>> labels, votes = voted_components(probability)
        >>> labels, votes.classes
        (array([[1, 0, 2, 2]], dtype=int32), array([0, 1, 2], dtype=int32))
    """
    if len(class_probability) < 2:
        raise ValueError(
            f"a class map has background and at least one class, this one has {len(class_probability)} "
            "channel(s); decode one channel of foreground with components"
        )
    labels = components(1 - class_probability[0], threshold, morphology, radius, max_hole, min_size)
    return labels, class_votes(labels, class_probability)


class VotedComponents(Decoding):
    """Array transform of :func:`voted_components`; the result has two channels, ids and classes.

    Args:
        threshold: foreground, all classes but the first together, lies above it.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        logits: the map is the raw output of a network and gets a softmax; False: it holds probabilities.

    Example:
        >>> VotedComponents()(torch.tensor([[[0.0, 9.0, 0.0]], [[9.0, 0.0, 0.0]], [[0.0, 0.0, 9.0]]]))
        tensor([[[1, 0, 2]],
                [[1, 0, 2]]], dtype=torch.int32)
    """

    decodes = "classes"
    channels = None

    def __init__(
        self,
        threshold: float = 0.5,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
        logits: bool = True,
    ) -> None:
        super().__init__(logits)
        check_tidying(threshold, morphology, radius, max_hole, min_size)
        self.threshold = threshold
        self.morphology: Morphology = morphology
        self.radius = radius
        self.max_hole = max_hole
        self.min_size = min_size

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """The softmax over the classes."""
        return logits.softmax(dim=0)

    def decode(self, probability: Probability) -> LabelMap:
        """The ids, and below them the class of each object."""
        labels, votes = self.vote(probability)
        return np.stack([labels, votes.classes[labels]])

    def vote(self, probability: Probability) -> tuple[LabelMap, ClassVotes]:
        """The objects and their votes."""
        return voted_components(
            probability, self.threshold, self.morphology, self.radius, self.max_hole, self.min_size
        )


class VotedComponentsd(Decodingd):
    """Dictionary transform of :func:`voted_components`: cells under the key, their classes under a second.

    The class map has in every pixel of a cell the class of that cell. The meta data of the cells, if the
    map is a MetaTensor, also list ``instance_classes`` and ``instance_class_shares``, by id from 0.

    Args:
        keys: what a network predicts for the classes.
        threshold: foreground, all classes but the first together, lies above it.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        class_postfix: the second key is the first, an underscore and this.
        logits: the map is the raw output of a network and gets a softmax; False: it holds probabilities.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> logits = np.array([[[0.0, 9.0, 0.0]], [[9.0, 0.0, 0.0]], [[0.0, 0.0, 9.0]]])
        >>> VotedComponentsd("pred")({"pred": logits})
        {'pred': array([[[1, 0, 2]]], dtype=int32), 'pred_classes': array([[[1, 0, 2]]], dtype=int32)}
    """

    decodes = VotedComponents.decodes
    decode: VotedComponents

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
        class_postfix: str = "classes",
        logits: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        if not class_postfix:
            raise ValueError(
                "class_postfix is empty, and the classes would replace the cells; name a second key"
            )
        decode = VotedComponents(threshold, morphology, radius, max_hole, min_size, logits)
        super().__init__(keys, decode, allow_missing_keys)
        self.class_postfix = class_postfix

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Decode the maps under the keys, each to two."""
        decoded = dict(data)
        for key in self.key_iterator(data):
            labels, votes = self.decode.vote(self.decode.probability(data[key]))
            maps = {key: labels, f"{key}_{self.class_postfix}": votes.classes[labels]}
            for name, values in maps.items():
                decoded[name] = convert_to_dst_type(values[None], dst=data[key], dtype=np.int32)[0]
            if isinstance(decoded[key], MetaTensor):
                decoded[key].meta["instance_classes"] = votes.classes.tolist()
                decoded[key].meta["instance_class_shares"] = votes.shares.tolist()
        return decoded
