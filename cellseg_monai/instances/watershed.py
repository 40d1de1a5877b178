"""Foreground and normalised distance to cells: one hill a cell, each pixel to the hill that it lies on."""

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from scipy import ndimage

from cellseg_monai.instances.decoding import Decoding, Decodingd, Probability
from cellseg_monai.instances.hills import basins
from cellseg_monai.instances.morphology import (
    Morphology,
    check_tidying,
    drop_small,
    foreground_mask,
    require_numbers,
)
from cellseg_monai.label_maps import LabelMap


def watershed_from_distance(
    foreground: npt.NDArray[Any],
    distance: npt.NDArray[Any],
    threshold: float = 0.5,
    seed_height: float = 0.25,
    smoothing: float = 0.0,
    morphology: Morphology = "none",
    radius: int = 1,
    max_hole: int = 0,
    min_size: int = 0,
) -> LabelMap:
    """Part touching cells where the distance to their border is low between them.

    In :func:`~cellseg_monai.transforms.distance_target` every cell is a hill with a summit of 1, so one
    ``seed_height`` serves all sizes. A summit is a cell if it rises by ``seed_height`` above the pass to a
    higher one; the highest in each piece of foreground always is one, however low.

    Args:
        foreground: probability, of a plane or volume, without channel.
        distance: to the border of the pixel's own cell, as a fraction of the largest in that cell.
        threshold: foreground lies above it.
        seed_height: above 0 and below 1. Lower parts more: smaller touching cells, but also one long cell.
        smoothing: standard deviation in pixels of a Gaussian over the distance before its summits are sought.
            It quiets a noisy map, and joins touching cells of about that radius; 0 leaves the map as it is.
        morphology: opening takes away thin bridges and specks, closing fills thin gaps.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.

    Returns:
        Objects numbered from 1 without gaps.

    Raises:
        ValueError: an option is out of its range, the shapes differ, or a map holds NaN.

    Example:
        >>> distance = np.array([[0.3, 1.0, 0.3, 0.9, 0.4, 0.0]])
        >>> watershed_from_distance(distance > 0, distance)
        array([[1, 1, 1, 2, 2, 0]], dtype=int32)
    """
    _check(seed_height, smoothing)
    check_tidying(threshold, morphology, radius, max_hole, min_size)
    if foreground.shape != distance.shape:
        raise ValueError(
            f"foreground {foreground.shape} and distance {distance.shape} differ in shape; "
            "both come from one map"
        )
    require_numbers(distance, "distance")
    mask = foreground_mask(foreground, threshold, morphology, radius, max_hole)
    if smoothing and mask.any():
        distance = ndimage.gaussian_filter(distance.astype(np.float32, copy=False), smoothing)
    cells = basins(distance, mask, seed_height)
    return drop_small(cells, min_size) if min_size > 1 else cells


def _check(seed_height: float, smoothing: float) -> None:
    if not 0 < seed_height < 1:
        raise ValueError(f"seed_height is a part of a hill of height 1, between 0 and 1, not {seed_height}")
    if smoothing < 0:
        raise ValueError(f"smoothing is a standard deviation in pixels and cannot be negative: {smoothing}")


class WatershedFromDistance(Decoding):
    """Array transform of :func:`watershed_from_distance`, for a map of two channels.

    Args:
        threshold: foreground lies above it.
        seed_height: how far a summit of the distance rises above the pass to a higher one to be a cell.
        smoothing: standard deviation in pixels of a Gaussian over the distance.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        logits: the first channel is raw output and gets a sigmoid; False: it holds probabilities.
            The second is the distance itself in both cases.

    Example:
        >>> distance = torch.tensor([[0.3, 1.0, 0.3, 0.9, 0.4, 0.0]])
        >>> WatershedFromDistance()(torch.stack([20 * distance - 1, distance]))
        tensor([[[1, 1, 1, 2, 2, 0]]], dtype=torch.int32)
    """

    decodes = "foreground and distance"
    channels = 2

    def __init__(
        self,
        threshold: float = 0.5,
        seed_height: float = 0.25,
        smoothing: float = 0.0,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
        logits: bool = True,
    ) -> None:
        super().__init__(logits)
        _check(seed_height, smoothing)
        check_tidying(threshold, morphology, radius, max_hole, min_size)
        self.threshold = threshold
        self.seed_height = seed_height
        self.smoothing = smoothing
        self.morphology: Morphology = morphology
        self.radius = radius
        self.max_hole = max_hole
        self.min_size = min_size

    def activate(self, logits: torch.Tensor) -> torch.Tensor:
        """The sigmoid on the first channel alone."""
        return torch.cat([logits[:1].sigmoid(), logits[1:]])

    def decode(self, probability: Probability) -> LabelMap:
        """The cells of the two channels."""
        return watershed_from_distance(
            probability[0],
            probability[1],
            self.threshold,
            self.seed_height,
            self.smoothing,
            self.morphology,
            self.radius,
            self.max_hole,
            self.min_size,
        )[None]


class WatershedFromDistanced(Decodingd):
    """Dictionary transform of :func:`watershed_from_distance`.

    Args:
        keys: what a network predicts for foreground and distance.
        threshold: foreground lies above it.
        seed_height: how far a summit of the distance rises above the pass to a higher one to be a cell.
        smoothing: standard deviation in pixels of a Gaussian over the distance.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        logits: the first channel is raw output and gets a sigmoid; False: it holds probabilities.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> distance = np.array([[0.3, 1.0, 0.3, 0.9, 0.4, 0.0]])
        >>> WatershedFromDistanced("pred")({"pred": np.stack([20 * distance - 1, distance])})
        {'pred': array([[[1, 1, 1, 2, 2, 0]]], dtype=int32)}
    """

    decodes = WatershedFromDistance.decodes

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        seed_height: float = 0.25,
        smoothing: float = 0.0,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
        logits: bool = True,
        allow_missing_keys: bool = False,
    ) -> None:
        decode = WatershedFromDistance(
            threshold, seed_height, smoothing, morphology, radius, max_hole, min_size, logits
        )
        super().__init__(keys, decode, allow_missing_keys)
