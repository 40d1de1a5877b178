"""The simplest decoding: threshold, morphology, holes, small objects, connected components.

Cells that touch become one. Where that happens, train for a target that keeps them apart.
"""

from typing import Any

import numpy.typing as npt
import torch
from monai.config import KeysCollection

from cellseg_monai.instances.decoding import Decoding, Decodingd, Probability
from cellseg_monai.instances.morphology import Morphology, check_tidying, drop_small, foreground_mask
from cellseg_monai.label_maps import LabelMap, connected_components


def components(
    probability: npt.NDArray[Any],
    threshold: float = 0.5,
    morphology: Morphology = "none",
    radius: int = 1,
    max_hole: int = 0,
    min_size: int = 0,
) -> LabelMap:
    """Turn a foreground probability into objects.

    Args:
        probability: of a plane or volume, without channel.
        threshold: foreground lies above it.
        morphology: opening takes away thin bridges and specks, closing fills thin gaps.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.

    Returns:
        Objects numbered from 1 without gaps; pixels that touch by a corner belong together.

    Raises:
        ValueError: an option is out of its range, or the map holds NaN.

    Example:
        >>> import numpy as np
        >>> components(np.array([[0.9, 0.9, 0.1, 0.0, 0.8]]), min_size=2)
        array([[1, 1, 0, 0, 0]], dtype=int32)
    """
    check_tidying(threshold, morphology, radius, max_hole, min_size)
    foreground = foreground_mask(probability, threshold, morphology, radius, max_hole)
    objects = connected_components(foreground, foreground.ndim)
    return drop_small(objects, min_size) if min_size > 1 else objects


class Components(Decoding):
    """Array transform of :func:`components`.

    Args:
        threshold: foreground lies above it.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        logits: the map is the raw output of a network and gets a sigmoid; False: it holds probabilities.

    Example:
        >>> Components()(torch.tensor([[[2.5, -3.0, 0.7]]]))
        tensor([[[1, 0, 2]]], dtype=torch.int32)
    """

    decodes = "foreground"
    channels = 1

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
        """The sigmoid."""
        return logits.sigmoid()

    def decode(self, probability: Probability) -> LabelMap:
        """The components of the one channel."""
        return components(
            probability[0], self.threshold, self.morphology, self.radius, self.max_hole, self.min_size
        )[None]


class Componentsd(Decodingd):
    """Dictionary transform of :func:`components`.

    Args:
        keys: what a network predicts for foreground.
        threshold: foreground lies above it.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        logits: the map is the raw output of a network and gets a sigmoid; False: it holds probabilities.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> import numpy as np
        >>> Componentsd("pred")({"pred": np.array([[[2.5, -3.0, 0.7]]])})
        {'pred': array([[[1, 0, 2]]], dtype=int32)}
    """

    decodes = Components.decodes

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
        logits: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        decode = Components(threshold, morphology, radius, max_hole, min_size, logits)
        super().__init__(keys, decode, allow_missing_keys)
