"""The simplest decoding: threshold, morphology, holes, small objects, connected components.

Cells that touch become one. Where that happens, train for a target that keeps them apart.
"""

from collections.abc import Hashable, Mapping
from typing import Any, Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt
import torch
from monai.config import KeysCollection
from monai.transforms import MapTransform, Transform
from monai.utils import TransformBackends, convert_to_dst_type, convert_to_numpy
from scipy import ndimage

from cellseg_monai.label_maps import LabelMap, connected_components, relabel

Morphology = Literal["none", "opening", "closing", "both"]
"""``both`` opens first and closes then."""

Map = TypeVar("Map", npt.NDArray[Any], torch.Tensor)


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
        >>> components(np.array([[0.9, 0.9, 0.1, 0.0, 0.8]]), min_size=2)
        array([[1, 1, 0, 0, 0]], dtype=int32)
    """
    _check(morphology, radius, max_hole, min_size)
    if np.isnan(probability).any():
        raise ValueError("the probability map holds NaN; look at the network that made it")
    foreground = _smooth(probability > threshold, morphology, radius)
    if max_hole:
        foreground = foreground | _holes(foreground, max_hole)
    objects = connected_components(foreground, foreground.ndim)
    if min_size > 1:
        sizes = np.bincount(objects.ravel())
        objects = relabel(np.where(sizes[objects] >= min_size, objects, 0))
    return objects


def _smooth(foreground: npt.NDArray[np.bool_], morphology: Morphology, radius: int) -> npt.NDArray[np.bool_]:
    """Open, close or both; beyond the edge of the image lies what lies at the edge."""
    if morphology == "none":
        return foreground
    grid = np.indices((2 * radius + 1,) * foreground.ndim) - radius
    disc = (grid**2).sum(axis=0) <= radius**2
    padded = np.pad(foreground, 2 * radius, mode="edge")
    if morphology in ("opening", "both"):
        padded = ndimage.binary_opening(padded, disc)
    if morphology in ("closing", "both"):
        padded = ndimage.binary_closing(padded, disc)
    inside: npt.NDArray[np.bool_] = padded[(slice(2 * radius, -2 * radius),) * foreground.ndim]
    return inside


def _holes(foreground: npt.NDArray[np.bool_], max_hole: int) -> npt.NDArray[np.bool_]:
    """Pieces of background that are small and do not reach the edge of the image."""
    pieces = connected_components(~foreground, connectivity=1)
    fill = np.bincount(pieces.ravel()) <= max_hole
    for axis in range(pieces.ndim):
        for end in (0, -1):
            fill[pieces.take(end, axis)] = False
    fill[0] = False
    filled: npt.NDArray[np.bool_] = fill[pieces]
    return filled


def _check(morphology: str, radius: int, max_hole: int, min_size: int) -> None:
    if morphology not in get_args(Morphology):
        raise ValueError(f"morphology must be one of {', '.join(get_args(Morphology))}, not {morphology!r}")
    if radius < 1:
        raise ValueError(f"radius must be at least 1 pixel, not {radius}; morphology='none' leaves it out")
    if max_hole < 0 or min_size < 0:
        raise ValueError(f"max_hole={max_hole} and min_size={min_size} count pixels and cannot be negative")


class Components(Transform):
    """Array transform of :func:`components`.

    Args:
        threshold: foreground lies above it.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.

    Example:
        >>> Components()(torch.tensor([[[0.9, 0.0, 0.7]]]))
        tensor([[[1, 0, 2]]], dtype=torch.int32)
    """

    backend = [TransformBackends.NUMPY]

    def __init__(
        self,
        threshold: float = 0.5,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
    ) -> None:
        _check(morphology, radius, max_hole, min_size)
        self.threshold = threshold
        self.morphology: Morphology = morphology
        self.radius = radius
        self.max_hole = max_hole
        self.min_size = min_size

    def __call__(self, probability: Map) -> Map:
        """Decode a map of one channel; library, device and meta data stay."""
        values = convert_to_numpy(probability)
        if values.shape[0] != 1:
            raise ValueError(
                f"components are made from one channel, the foreground; this map has {values.shape[0]}"
            )
        objects = components(
            values[0], self.threshold, self.morphology, self.radius, self.max_hole, self.min_size
        )
        decoded: Map = convert_to_dst_type(objects[None], dst=probability, dtype=np.int32)[0]
        return decoded


class Componentsd(MapTransform):
    """Dictionary transform of :func:`components`.

    Args:
        keys: foreground probabilities.
        threshold: foreground lies above it.
        morphology: ``"none"``, ``"opening"``, ``"closing"`` or ``"both"``.
        radius: of the disc, in pixels, that opens and closes.
        max_hole: background enclosed in foreground is filled up to this many pixels.
        min_size: objects with fewer pixels are dropped.
        allow_missing_keys: pass over keys that a sample lacks.

    Example:
        >>> Componentsd("pred")({"pred": np.array([[[0.9, 0.0, 0.7]]])})
        {'pred': array([[[1, 0, 2]]], dtype=int32)}
    """

    backend = Components.backend

    def __init__(
        self,
        keys: KeysCollection,
        threshold: float = 0.5,
        morphology: Morphology = "none",
        radius: int = 1,
        max_hole: int = 0,
        min_size: int = 0,
        allow_missing_keys: bool = False,
    ) -> None:
        super().__init__(keys, allow_missing_keys)
        self.decode = Components(threshold, morphology, radius, max_hole, min_size)

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Decode the maps under the keys."""
        return {**data, **{key: self.decode(data[key]) for key in self.key_iterator(data)}}
