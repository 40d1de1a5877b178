"""Foreground and normalised distance to cells: each hill of the distance is one cell."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.instances.decoding import Decoding, Decodingd, Probability
from cellseg_monai.instances.hills import basins, check_seed_height
from cellseg_monai.instances.tidying import DEFAULTS, Tidying, foreground_mask, require_finite
from cellseg_monai.label_maps import LabelMap


def watershed_from_distance(
    foreground: npt.NDArray[Any],
    distance: npt.NDArray[Any],
    *,
    seed_height: float = 0.25,
    smoothing: float = 0.0,
    tidying: Tidying = DEFAULTS,
) -> LabelMap:
    """Separate touching cells where the distance to their border is low between them.

    In :func:`~cellseg_monai.transforms.distance_target` every cell is a hill with a summit of 1, so one
    ``seed_height`` fits cells of all sizes. A summit is a cell if it rises by ``seed_height`` above the pass
    to a higher one. The highest summit of each foreground region is always a cell, however low it is.

    Args:
        foreground: foreground probability of a plane or volume, without channel axis.
        distance: distance to the border of the cell, as a fraction of the largest distance in that cell.
        seed_height: height by which a summit must rise above the pass to a higher one; above 0 and below 1.
            Lower values separate smaller touching cells, but also split long cells.
        smoothing: standard deviation in pixels of a Gaussian filter on the distance. It suppresses noise, but
            joins touching cells of about that radius; 0 switches it off.
        tidying: threshold and clean-up options.

    Returns:
        Objects numbered from 1 without gaps.

    Raises:
        ValueError: If an option is out of range, the shapes differ, or a map contains NaN.

    Example:
        >>> distance = np.array([[0.3, 1.0, 0.3, 0.9, 0.4, 0.0]])
        >>> watershed_from_distance(distance > 0, distance)
        array([[1, 1, 1, 2, 2, 0]], dtype=int32)
    """
    _check(seed_height, smoothing)
    if foreground.shape != distance.shape:
        raise ValueError(f"foreground {foreground.shape} and distance {distance.shape} differ in shape")
    require_finite(distance, "distance")
    mask = foreground_mask(foreground, tidying)
    if smoothing and mask.any():
        distance = ndimage.gaussian_filter(distance.astype(np.float32, copy=False), smoothing)
    return tidying.without_small(basins(distance, mask, seed_height))


def _check(seed_height: float, smoothing: float) -> None:
    check_seed_height(seed_height)
    if smoothing < 0:
        raise ValueError(f"smoothing is a standard deviation in pixels and cannot be negative: {smoothing}")


@dataclass(frozen=True, kw_only=True)
class WatershedFromDistance(Tidying, Decoding):
    """Array transform of :func:`watershed_from_distance`, with the options of :class:`Tidying`.

    Its input has the channels foreground and distance.

    Args:
        seed_height: height by which a summit of the distance must rise above the pass to a higher one.
        smoothing: standard deviation in pixels of a Gaussian filter on the distance.
        logits: whether the first channel is the raw output of a network, to which a sigmoid is applied. If
            False, it holds probabilities. The second channel is the distance itself in both cases.

    Example:
        >>> import torch
        >>> distance = torch.tensor([[0.3, 1.0, 0.3, 0.9, 0.4, 0.0]])
        >>> WatershedFromDistance()(torch.stack([20 * distance - 1, distance]))
        tensor([[[1, 1, 1, 2, 2, 0]]], dtype=torch.int32)
    """

    decodes = "foreground and distance"
    channels = 2
    background_first = False

    seed_height: float = 0.25
    smoothing: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _check(self.seed_height, self.smoothing)

    def decode(self, probability: Probability) -> LabelMap:
        """Find the cells from foreground and distance."""
        return watershed_from_distance(
            *probability, seed_height=self.seed_height, smoothing=self.smoothing, tidying=self
        )[None]


class WatershedFromDistanced(Decodingd, of=WatershedFromDistance):
    """Dictionary transform of :func:`watershed_from_distance`.

    It has the options of :class:`WatershedFromDistance`.

    Example:
        >>> distance = np.array([[0.3, 1.0, 0.3, 0.9, 0.4, 0.0]])
        >>> WatershedFromDistanced("pred")({"pred": np.stack([20 * distance - 1, distance])})
        {'pred': array([[[1, 1, 1, 2, 2, 0]]], dtype=int32)}
    """
