"""Interior and boundary to cells: each piece of interior is a cell and grows back into the boundary.

The decoding of the NeurIPS 2022 baseline leaves the boundary out and drops interiors below 16 pixels. Perfect
maps of discs of up to six pixels radius so give no cell at all. Here the foreground is interior and boundary
together, and none of it is lost.
"""

from typing import Any

import numpy.typing as npt
import torch
from monai.config import KeysCollection

from cellseg_monai.instances.decoding import Decoding, Decodingd, Probability
from cellseg_monai.instances.hills import basins
from cellseg_monai.instances.morphology import Morphology, check_tidying, drop_small, foreground_mask
from cellseg_monai.label_maps import LabelMap


def regrown_interiors(
    interior: npt.NDArray[Any],
    boundary: npt.NDArray[Any],
    threshold: float = 0.5,
    seed_height: float = 0.4,
    morphology: Morphology = "none",
    radius: int = 1,
    max_hole: int = 0,
    min_size: int = 0,
) -> LabelMap:
    """Part touching cells where boundary runs between their interiors.

    Foreground is where interior and boundary together exceed ``threshold``. Each pixel of it climbs to the
    most certain interior above it. There is no threshold that an interior must pass, so a small cell whose
    interior is never likelier than its boundary is still found.

    Args:
        interior: probability, of a plane or volume, without channel.
        boundary: probability, of the same shape.
        threshold: foreground lies above it.
        seed_height: by how much the interior of a cell is likelier than the boundary that parts it from
            another; above 0 and below 1. Lower parts more.
        morphology: opening takes away thin bridges and specks of foreground, closing fills thin gaps.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels, boundary included, are dropped.

    Returns:
        Objects numbered from 1 without gaps.

    Raises:
        ValueError: an option is out of its range, the shapes differ, or a map holds NaN.

    Example:
        >>> import numpy as np
        >>> interior = np.array([[0.1, 0.9, 0.02, 0.02, 0.45, 0.0]])
        >>> boundary = np.array([[0.9, 0.1, 0.9, 0.9, 0.5, 0.1]])
        >>> regrown_interiors(interior, boundary)
        array([[1, 1, 1, 2, 2, 0]], dtype=int32)
    """
    _check(seed_height)
    check_tidying(threshold, morphology, radius, max_hole, min_size)
    if interior.shape != boundary.shape:
        raise ValueError(
            f"interior {interior.shape} and boundary {boundary.shape} differ in shape; both come from one map"
        )
    mask = foreground_mask(interior + boundary, threshold, morphology, radius, max_hole)
    cells = basins(interior, mask, seed_height)
    return drop_small(cells, min_size) if min_size > 1 else cells


def _check(seed_height: float) -> None:
    if not 0 < seed_height < 1:
        raise ValueError(f"seed_height is a difference of probabilities, between 0 and 1, not {seed_height}")


class RegrownInteriors(Decoding):
    """Array transform of :func:`regrown_interiors`, for a map of background, interior and boundary.

    Args:
        threshold: foreground lies above it.
        seed_height: by how much an interior is likelier than the boundary between it and another.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        logits: the map is the raw output of a network and gets a softmax; False: it holds probabilities.

    Example:
        >>> target = torch.tensor([2, 1, 2, 2, 1, 0])  # 1 interior, 2 boundary
        >>> RegrownInteriors()(9.0 * torch.nn.functional.one_hot(target).T[:, None])
        tensor([[[1, 1, 1, 2, 2, 0]]], dtype=torch.int32)
    """

    decodes = "interior and boundary"
    channels = 3

    def __init__(
        self,
        threshold: float = 0.5,
        seed_height: float = 0.4,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
        logits: bool = True,
    ) -> None:
        super().__init__(logits)
        _check(seed_height)
        check_tidying(threshold, morphology, radius, max_hole, min_size)
        self.threshold = threshold
        self.seed_height = seed_height
        self.morphology: Morphology = morphology
        self.radius = radius
        self.max_hole = max_hole
        self.min_size = min_size

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """The softmax over the three channels."""
        return logits.softmax(dim=0)

    def decode(self, probability: Probability) -> LabelMap:
        """The cells of the three channels, of which the first, background, is what the others leave."""
        return regrown_interiors(
            probability[1],
            probability[2],
            self.threshold,
            self.seed_height,
            self.morphology,
            self.radius,
            self.max_hole,
            self.min_size,
        )[None]


class RegrownInteriorsd(Decodingd):
    """Dictionary transform of :func:`regrown_interiors`.

    Args:
        keys: what a network predicts for background, interior and boundary.
        threshold: foreground lies above it.
        seed_height: by how much an interior is likelier than the boundary between it and another.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        logits: the map is the raw output of a network and gets a softmax; False: it holds probabilities.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> import numpy as np
        >>> target = np.array([2, 1, 2, 2, 1, 0])
        >>> RegrownInteriorsd("pred")({"pred": 9.0 * np.eye(3)[target].T[:, None]})
        {'pred': array([[[1, 1, 1, 2, 2, 0]]], dtype=int32)}
    """

    decodes = RegrownInteriors.decodes

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        seed_height: float = 0.4,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
        logits: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        decode = RegrownInteriors(threshold, seed_height, morphology, radius, max_hole, min_size, logits)
        super().__init__(keys, decode, allow_missing_keys)
