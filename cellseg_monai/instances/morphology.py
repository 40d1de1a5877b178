"""What all decodings do to a mask: threshold, open and close it, fill its holes, drop small objects."""

from numbers import Real
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from cellseg_monai.label_maps import LabelMap, as_label_map, connected_components, relabel

Morphology = Literal["none", "opening", "closing", "both"]
"""``both`` opens first and closes then."""

Mask = npt.NDArray[np.bool_]

_PIXELS_AT_ONCE = 1 << 22


def foreground_mask(
    probability: npt.NDArray[Any],
    threshold: float = 0.5,
    morphology: Morphology = "none",
    radius: int = 1,
    max_hole: int = 0,
) -> Mask:
    """Threshold a foreground probability and tidy the mask.

    Args:
        probability: of a plane or volume, without channel.
        threshold: foreground lies above it.
        morphology: opening takes away thin bridges and specks, closing fills thin gaps.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.

    Raises:
        ValueError: an option is out of its range, or the map holds NaN.

    Example:
        >>> foreground_mask(np.array([[0.9, 0.1, 0.6]]), morphology="closing").astype(int)
        array([[1, 1, 1]])
    """
    check_tidying(threshold, morphology, radius, max_hole)
    require_numbers(probability, "probability")
    mask = _smooth(probability > threshold, morphology, radius)
    return fill_holes(mask, max_hole) if max_hole else mask


def fill_holes(mask: Mask, max_hole: int) -> Mask:
    """Fill pieces of background of at most ``max_hole`` pixels that do not reach the edge of the image.

    Example:
        >>> fill_holes(np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool), max_hole=1).all()
        np.True_
    """
    if not mask.any():
        return mask
    pieces = connected_components(~mask, connectivity=1)
    fill = object_sizes(pieces) <= max_hole
    for axis in range(pieces.ndim):
        for end in (0, -1):
            fill[pieces.take(end, axis)] = False
    fill[0] = False
    filled: Mask = mask | fill[pieces]
    return filled


def drop_small(label_map: npt.ArrayLike, min_size: int) -> LabelMap:
    """Take away objects of fewer than ``min_size`` pixels and renumber the others without gaps.

    Example:
        >>> drop_small([[1, 0, 2, 2, 0, 7, 7]], min_size=2)
        array([[0, 0, 1, 1, 0, 2, 2]], dtype=int32)
    """
    ids = as_label_map(label_map)
    if min_size <= 1:
        return relabel(ids)
    sizes = object_sizes(ids)
    keep = sizes >= min_size
    keep[0] = False
    numbers = np.cumsum(keep, dtype=np.int32) * keep
    kept: LabelMap = numbers.astype(np.int32)[ids]
    return kept


def object_sizes(label_map: LabelMap) -> npt.NDArray[np.int64]:
    """Pixels of each id from 0 to the highest, counted in parts, since NumPy widens what it counts.

    Example:
        >>> object_sizes(np.array([[0, 2, 2]], np.int32))
        array([1, 0, 2])
    """
    flat = label_map.ravel()
    length = int(flat.max(initial=0)) + 1
    parts = range(0, flat.size, max(_PIXELS_AT_ONCE, 4 * length))
    sizes = np.zeros(length, np.int64)
    for start in parts:
        sizes += np.bincount(flat[start : start + parts.step], minlength=length)
    return sizes


def require_numbers(values: npt.NDArray[Any], name: str) -> None:
    """Refuse NaN and infinity, which no threshold would show."""
    if not np.isfinite(values).all():
        raise ValueError(f"the {name} holds NaN or infinite values; look at the network that made it")


def check_tidying(
    threshold: float = 0.5, morphology: str = "none", radius: int = 1, max_hole: int = 0, min_size: int = 0
) -> None:
    """Refuse options out of their range, and text from a form where a number is meant."""
    given: dict[str, object] = {
        "threshold": threshold,
        "radius": radius,
        "max_hole": max_hole,
        "min_size": min_size,
    }
    for name, value in given.items():
        if not isinstance(value, Real):
            raise TypeError(f"{name} is a number, not {value!r}")
    if not 0 <= threshold < 1:
        raise ValueError(f"threshold is a probability from 0 to below 1, not {threshold}")
    if morphology not in get_args(Morphology):
        raise ValueError(f"morphology must be one of {', '.join(get_args(Morphology))}, not {morphology!r}")
    if radius < 1:
        raise ValueError(f"radius must be at least 1 pixel, not {radius}; morphology='none' leaves it out")
    if max_hole < 0 or min_size < 0:
        raise ValueError(f"max_hole={max_hole} and min_size={min_size} count pixels and cannot be negative")


def _smooth(mask: Mask, morphology: Morphology, radius: int) -> Mask:
    """Open, close or both; beyond the edge of the image lies what lies at the edge."""
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
