"""Interior and boundary to cells: each interior is a cell, which then grows back into its boundary.

The decoding of the NeurIPS 2022 baseline discards the boundary and drops interiors below 16 pixels. It
therefore finds no cell in perfect maps of discs with a radius of up to six pixels. Here the foreground is
interior plus boundary, and no part of it is lost.
"""

from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from cellseg_monai.instances.decoding import Decoding, Decodingd, Probability
from cellseg_monai.instances.hills import basins, check_seed_height
from cellseg_monai.instances.tidying import DEFAULTS, Tidying, foreground_mask
from cellseg_monai.label_maps import LabelMap


def regrown_interiors(
    interior: npt.NDArray[Any],
    boundary: npt.NDArray[Any],
    *,
    seed_height: float = 0.4,
    tidying: Tidying = DEFAULTS,
) -> LabelMap:
    """Separate touching cells where a boundary runs between their interiors.

    A pixel is foreground if the sum of interior and boundary exceeds the threshold. Each foreground pixel
    climbs to the highest interior probability above it. There is no threshold for the interior itself, so a
    small cell whose interior is nowhere more likely than its boundary is still found.

    Args:
        interior: interior probability of a plane or volume, without channel axis.
        boundary: boundary probability, of the same shape.
        seed_height: height by which the interior probability of a cell must rise above the pass to another
            cell; above 0 and below 1. Lower values split more.
        tidying: threshold and clean-up options; the boundary counts towards the size of an object.

    Returns:
        Objects numbered from 1 without gaps.

    Raises:
        ValueError: If an option is out of range, the shapes differ, or a map contains NaN.

    Example:
        >>> import numpy as np
        >>> interior = np.array([[0.1, 0.9, 0.02, 0.02, 0.45, 0.0]])
        >>> boundary = np.array([[0.9, 0.1, 0.9, 0.9, 0.5, 0.1]])
        >>> regrown_interiors(interior, boundary)
        array([[1, 1, 1, 2, 2, 0]], dtype=int32)
    """
    check_seed_height(seed_height)
    if interior.shape != boundary.shape:
        raise ValueError(f"interior {interior.shape} and boundary {boundary.shape} differ in shape")
    mask = foreground_mask(interior + boundary, tidying)
    return tidying.without_small(basins(interior, mask, seed_height))


@dataclass(frozen=True, kw_only=True)
class RegrownInteriors(Tidying, Decoding):
    """Array transform of :func:`regrown_interiors`, with the options of :class:`Tidying`.

    Its input has the channels background, interior and boundary.

    Args:
        seed_height: height by which the interior probability of a cell must rise above the pass to another.
        logits: whether the input is the raw output of a network, to which a softmax is applied. If False,
            it holds probabilities.

    Example:
        >>> import torch
        >>> target = torch.tensor([2, 1, 2, 2, 1, 0])  # 1 interior, 2 boundary
        >>> RegrownInteriors()(9.0 * torch.nn.functional.one_hot(target).T[:, None])
        tensor([[[1, 1, 1, 2, 2, 0]]], dtype=torch.int32)
    """

    decodes = "interior and boundary"
    channels = 3
    background_first = True

    seed_height: float = 0.4

    def __post_init__(self) -> None:
        super().__post_init__()
        check_seed_height(self.seed_height)

    def decode(self, probability: Probability) -> LabelMap:
        """Find the cells from interior and boundary."""
        _, interior, boundary = probability
        return regrown_interiors(interior, boundary, seed_height=self.seed_height, tidying=self)[None]


class RegrownInteriorsd(Decodingd, of=RegrownInteriors):
    """Dictionary transform of :func:`regrown_interiors`, with the options of :class:`RegrownInteriors`.

    Example:
        >>> import numpy as np
        >>> target = np.array([2, 1, 2, 2, 1, 0])
        >>> RegrownInteriorsd("pred")({"pred": 9.0 * np.eye(3)[target].T[:, None]})
        {'pred': array([[[1, 1, 1, 2, 2, 0]]], dtype=int32)}
    """
