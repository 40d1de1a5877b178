"""Options and steps that clean up a foreground mask and the objects found in it."""

from dataclasses import dataclass
from numbers import Real
from typing import Any, Literal, get_args

import fastremap
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.label_maps import LabelMap, as_label_map, connected_components, relabel

Morphology = Literal["none", "opening", "closing", "both"]
"""``both`` applies the opening first, then the closing."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Tidying:
    """Options that every decoding with a foreground mask shares.

    Args:
        threshold: probability above which a pixel is foreground, from 0 to below 1.
        morphology: ``"none"``, ``"opening"`` (removes thin bridges and specks), ``"closing"`` (fills thin
            gaps) or ``"both"``.
        radius: radius in pixels of the disc or ball for opening and closing.
        max_hole: size in pixels of the largest enclosed hole to fill.
        min_size: size in pixels of the smallest object to keep.

    Raises:
        TypeError: If a number is given as text, as a form may send it.
        ValueError: If an option is out of range.

    Example:
        >>> Tidying(morphology="dilation")
        Traceback (most recent call last):
        ...
        ValueError: morphology must be one of none, opening, closing, both, not 'dilation'
    """

    threshold: float = 0.5
    morphology: Morphology = "none"
    radius: int = 1
    max_hole: int = 0
    min_size: int = 0

    def __post_init__(self) -> None:
        for name in ("threshold", "radius", "max_hole", "min_size"):
            if not isinstance(value := getattr(self, name), Real):
                raise TypeError(f"{name} must be a number, not {value!r}")
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold must be a probability from 0 to below 1, not {self.threshold}")
        if self.morphology not in (choices := get_args(Morphology)):
            raise ValueError(f"morphology must be one of {', '.join(choices)}, not {self.morphology!r}")
        if self.radius < 1:
            raise ValueError(f"radius must be at least 1 pixel, not {self.radius}")
        for name in ("max_hole", "min_size"):
            if (value := getattr(self, name)) < 0:
                raise ValueError(f"{name} is a number of pixels and cannot be negative: {value}")

    def without_small(self, labels: LabelMap) -> LabelMap:
        """Drop objects below ``min_size`` from labels that are numbered without gaps."""
        return drop_small(labels, self.min_size) if self.min_size > 1 else labels


DEFAULTS = Tidying()
"""A threshold of one half and no clean-up."""


def foreground_mask(probability: npt.NDArray[Any], tidying: Tidying = DEFAULTS) -> Mask:
    """Threshold a foreground probability, smooth the mask and fill its holes.

    Args:
        probability: foreground probability of a plane or volume, without channel axis.
        tidying: threshold and clean-up options; ``min_size`` has no effect on a mask.

    Raises:
        ValueError: If the map contains NaN or infinite values.

    Example:
        >>> foreground_mask(np.array([[0.9, 0.1, 0.6]]), Tidying(morphology="closing")).astype(int)
        array([[1, 1, 1]])
    """
    require_finite(probability, "probability")
    mask = _smooth(probability > tidying.threshold, tidying.morphology, tidying.radius)
    return fill_holes(mask, tidying.max_hole) if tidying.max_hole else mask


def fill_holes(mask: Mask, max_hole: int) -> Mask:
    """Fill background regions of at most ``max_hole`` pixels that do not touch the image border.

    Example:
        >>> fill_holes(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool), max_hole=1).all()
        np.True_
    """
    if not mask.any():
        return mask
    regions = connected_components(~mask, connectivity=1)
    fill = object_sizes(regions) <= max_hole
    for axis in range(regions.ndim):
        for end in (0, -1):
            fill[regions.take(end, axis)] = False
    fill[0] = False
    filled: Mask = mask | fill[regions]
    return filled


def drop_small(label_map: npt.ArrayLike, min_size: int) -> LabelMap:
    """Remove objects of fewer than ``min_size`` pixels and renumber the others without gaps.

    Example:
        >>> drop_small([[1, 0, 2, 2, 0, 7, 7]], min_size=2)
        array([[0, 0, 1, 1, 0, 2, 2]], dtype=int32)
    """
    ids = as_label_map(label_map)
    if min_size <= 1:
        return relabel(ids)
    keep = object_sizes(ids) >= min_size
    keep[0] = False
    new_ids = np.where(keep, np.cumsum(keep), 0).astype(np.int32)
    return new_ids.take(ids)


def object_sizes(label_map: LabelMap) -> npt.NDArray[np.int64]:
    """Number of pixels of each id from 0 to the highest.

    Example:
        >>> object_sizes(np.array([[0, 2, 2]], np.int32))
        array([1, 0, 2])
    """
    sizes = np.zeros(int(label_map.max(initial=0)) + 1, np.int64)
    present, counts = fastremap.unique(label_map, return_counts=True)
    sizes[present] = counts
    return sizes


def require_finite(values: npt.NDArray[Any], name: str) -> None:
    """Raise if values contain NaN or infinity, which would pass a threshold unnoticed."""
    if not np.isfinite(values).all():
        raise ValueError(f"the {name} contains NaN or infinite values; check the network that produced it")


def _smooth(mask: Mask, morphology: Morphology, radius: int) -> Mask:
    """Open or close a mask, or both, after extending its edge pixels beyond the image."""
    if morphology == "none" or not mask.any():
        return mask
    grid = np.indices((2 * radius + 1,) * mask.ndim) - radius
    disc = (grid**2).sum(axis=0) <= radius**2
    padded = np.pad(mask, 2 * radius, mode="edge")
    if morphology in ("opening", "both"):
        padded = ndimage.binary_opening(padded, disc)
    if morphology in ("closing", "both"):
        padded = ndimage.binary_closing(padded, disc)
    inside: Mask = padded[(slice(2 * radius, -2 * radius),) * mask.ndim]
    return inside
