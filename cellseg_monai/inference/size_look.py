"""How large the cells of an image are: a few quick looks at it, from afar to close up."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from cellseg_monai.cell_size import cell_diameter
from cellseg_monai.label_maps import LabelMap

logger = logging.getLogger(__name__)

Segment = Callable[[torch.Tensor], LabelMap]

LOOK = 256
"""Side in pixels of what the network sees at a look."""

CLOSEST = 4.0
"""Largest magnification of the image."""

_STEP = 2.0
_AGREE, _CLOSE, _TRUSTED = 0.5, 0.4, 1.2
"""Octaves by which sizes of the same cells differ, by which a look is exact, and by which it is trusted."""

_ENOUGH = 3
"""Looks that must agree before the last one: two agree on clumps of cells too, seen from afar."""

_FEWEST = 24
"""Pixels of foreground without which a look has seen no cell."""


@dataclass(frozen=True)
class Look:
    """What one look at an image told.

    Attributes:
        octaves: size of the cells that the network saw, relative to the one that it knows best.
        diameter: diameter of the cells in pixels of the image.
        middle: row and column of the image with most foreground around it.
    """

    octaves: float
    diameter: float
    middle: tuple[float, float]

    def agrees(self, other: "Look") -> bool:
        """Whether another look told about the same diameter.

        Example:
            >>> Look(0.1, 26, (0, 0)).agrees(Look(-0.9, 24, (0, 0)))
            True
        """
        return abs(math.log2(self.diameter / other.diameter)) < _AGREE


def look_for_diameter(image: torch.Tensor, segment: Segment, known: float) -> float | None:
    """Find the diameter of the cells of an image; None if no cell is seen.

    The first look is at the whole image, shrunk. Each further look is twice as close, at the place where the
    one before saw most foreground. Cells of half to twice the size that the network knows are measured well;
    looks that are far too close or too far away tell something else each. So the diameter is the one on which
    most looks agree.

    Args:
        image: image of shape (1, channels, height, width), as the network expects it.
        segment: function that returns the label map of such an image.
        known: diameter of the cells that the network knows best.

    Returns:
        Diameter in pixels of the image.

    Example:
        >>> from scipy import ndimage
        >>> disc = np.hypot(*(np.indices((256, 256)) - 128)) < 20
        >>> image = torch.from_numpy(disc[None, None].astype(np.float32))
        >>> round(look_for_diameter(image, lambda part: ndimage.label(part[0, 0] > 0.5)[0], known=24))
        39
    """
    factor = min(1.0, LOOK / max(image.shape[2:])) / _STEP
    middle = _busiest(image, factor)
    looks: list[Look] = []
    while factor <= CLOSEST:
        seen = _look(image, segment, factor, middle, known)
        if seen is not None:
            looks.append(seen)
            middle = seen.middle
            agreeing = [look for look in looks if look.agrees(seen)]
            if len(agreeing) == _ENOUGH and _trusted(agreeing):
                break  # a closer look would tell the same, or only see parts
        factor *= _STEP
    if not looks:
        return None
    best = max(looks, key=lambda look: _votes(look, looks))  # the first of several: it saw most cells
    if abs(best.octaves) > _CLOSE:
        checked = _look(image, segment, min(CLOSEST, known / best.diameter), best.middle, known)
        if checked is not None and abs(checked.octaves) < abs(best.octaves):
            best = checked
    return best.diameter


def _trusted(looks: list[Look]) -> bool:
    """Whether one of the looks was close to the size that the network knows."""
    return min(abs(look.octaves) for look in looks) < _CLOSE


def _votes(look: Look, looks: list[Look]) -> int:
    """Number of looks that agree; none for a look that is not to be trusted on its own."""
    return sum(look.agrees(other) for other in looks) if abs(look.octaves) < _TRUSTED else 0


def _look(
    image: torch.Tensor, segment: Segment, factor: float, middle: tuple[float, float], known: float
) -> Look | None:
    """Look at the part of an image around a pixel; None if no cell is in it."""
    side = max(8, round(LOOK / factor))
    starts = [
        round(min(max(centre - side / 2, 0), max(length - side, 0)))
        for centre, length in zip(middle, image.shape[2:], strict=True)
    ]
    part = image[:, :, starts[0] : starts[0] + side, starts[1] : starts[1] + side]
    shown = resized(part, factor)
    cells = segment(shown)
    found = cell_diameter(cells)
    if found is None or np.count_nonzero(cells) < _FEWEST:
        return None
    ratios = [length / shrunk for length, shrunk in zip(part.shape[2:], shown.shape[2:], strict=True)]
    row, column = _densest(torch.from_numpy(cells > 0).float())
    there = (starts[0] + row * ratios[0], starts[1] + column * ratios[1])
    look = Look(math.log2(found / known), found * math.sqrt(ratios[0] * ratios[1]), there)
    logger.debug("at %.2f of the size: %s", factor, look)
    return look


def _busiest(image: torch.Tensor, factor: float) -> tuple[float, float]:
    """Row and column of the image around which it differs most from its mean: cells may be there."""
    shown = resized(image, factor)[0]
    row, column = _densest((shown - shown.mean(dim=(1, 2), keepdim=True)).abs().mean(dim=0))
    return row / factor, column / factor


def _densest(values: torch.Tensor) -> tuple[int, int]:
    """Row and column around which the values are largest."""
    density = F.avg_pool2d(values[None, None], 33, stride=4, padding=16, count_include_pad=True)[0, 0]
    row, column = divmod(int(density.argmax()), density.shape[1])
    return 4 * row, 4 * column


def resized(image: torch.Tensor, factor: float) -> torch.Tensor:
    """Resize images by a factor: the mean over areas when they shrink, linearly when they grow.

    Example:
        >>> resized(torch.rand(1, 3, 10, 20), 0.5).shape
        torch.Size([1, 3, 5, 10])
    """
    return to_shape(image, [max(1, math.floor(side * factor + 0.5)) for side in image.shape[2:]])


def to_shape(image: torch.Tensor, shape: "torch.Size | list[int]") -> torch.Tensor:
    """Resize images to a shape, as :func:`resized` does."""
    if list(image.shape[2:]) == list(shape):
        return image
    mode = "area" if shape[0] < image.shape[2] else "bilinear"
    return F.interpolate(image, tuple(shape), mode=mode)
