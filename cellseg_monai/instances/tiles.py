"""Overlapping tiles of an image that is too large to decode at once."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Box = tuple[slice, ...]


class Tile(NamedTuple):
    """One piece of an image.

    Attributes:
        core: pixels that take their labels from this tile; the cores of all tiles cover the image once.
        window: pixels to decode, which are the core and a margin around it, the halo, clipped to the image.

    Example:
        >>> first, second = tile_grid((4, 6), size=4, halo=1)
        >>> np.arange(24).reshape(4, 6)[second.window].shape
        (4, 3)
    """

    core: Box
    window: Box


def tile_grid(shape: Sequence[int], size: int | Sequence[int], halo: int | Sequence[int]) -> list[Tile]:
    """Cut an image into a grid of tiles, row by row.

    Tiles give the same cells as the whole image if the halo is at least as wide as the longest cell, plus the
    distance at which pixels affect the decoding; see :class:`~cellseg_monai.instances.Stitcher`.

    Args:
        shape: shape of a plane or volume, without channel axis.
        size: side of the cores in pixels, one number or one per axis; the last core may be shorter.
        halo: width of the margin in pixels, one number or one per axis.

    Returns:
        Tiles in reading order.

    Raises:
        ValueError: If the image is not a plane or volume or has no pixels, or a size or halo is below 1.

    Example:
        >>> [tile.window[1] for tile in tile_grid((4, 10), size=4, halo=1)]
        [slice(0, 5, None), slice(3, 9, None), slice(7, 10, None)]
    """
    sizes, halos = _one_per_axis("size", size, len(shape)), _one_per_axis("halo", halo, len(shape))
    tiles = []
    for start in product(*(range(0, side, step) for side, step in zip(shape, sizes, strict=True))):
        core = np.array([start, np.minimum(np.add(start, sizes), shape)])
        window = np.array([core[0] - halos, core[1] + halos]).clip(0, shape)
        tiles.append(Tile(box_of(core), box_of(window)))
    covered_shape(tiles)
    return tiles


def _one_per_axis(name: str, value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, Sequence) else (int(value),) * axes
    if len(values) != axes or min(values, default=1) < 1:
        raise ValueError(f"{name} needs one number above 0, or one for each of {axes} axes, not {value}")
    return values


def covered_shape(tiles: Sequence[Tile]) -> tuple[int, ...]:
    """Shape of the image that the cores cover; raise if they do not cover each pixel once."""
    corners = corners_of(tiles)
    cores, windows = corners[:, 0], corners[:, 1]
    shape = cores[:, 1].max(axis=0)
    covered = tuple(shape.tolist())
    if corners.shape[-1] not in (2, 3):
        raise ValueError(f"tiles need 2 or 3 axes, without channels, not {corners.shape[-1]}")
    for number, (core, window) in enumerate(zip(cores, windows, strict=True)):
        if ((core < 0) | (core[0] >= core[1])).any() or (window[0] < 0).any() or (window[1] > shape).any():
            raise ValueError(f"tile {number}, {tiles[number]}, has an empty core or leaves the image")
        reach = (window[0] < core[0]) | (core[0] == 0), (window[1] > core[1]) | (core[1] == shape)
        if not np.all(reach):
            raise ValueError(f"tile {number}, {tiles[number]}, needs a halo as wide as the longest cell")
        if len(overlapping(core, cores)) > 1:
            raise ValueError(f"tile {number}, {tiles[number]}, shares pixels of its core with another tile")
    if np.prod(cores[:, 1] - cores[:, 0], axis=1).sum() != shape.prod():
        raise ValueError(f"the cores of the {len(tiles)} tiles leave gaps in the image of shape {covered}")
    return covered


def corners_of(tiles: Sequence[Tile]) -> npt.NDArray[np.int64]:
    """Corners as an array of shape (tiles, core or window, start or stop, axes)."""
    if not tiles:
        raise ValueError("there are no tiles; the image has no pixels")
    if len({len(box) for tile in tiles for box in tile}) > 1:
        raise ValueError("the tiles have different numbers of axes")
    corners = [
        [([part.start for part in box], [part.stop for part in box]) for box in tile] for tile in tiles
    ]
    if None in np.ravel(np.array(corners, object)):
        raise ValueError("the slices of a tile need start and stop, as in slice(0, 512)")
    return np.array(corners, np.int64)


def box_of(corners: npt.NDArray[np.int64]) -> Box:
    """Slices from the first to the last corner.

    Example:
        >>> box_of(np.array([[0, 4], [2, 9]]))
        (slice(0, 2, None), slice(4, 9, None))
    """
    return tuple(map(slice, *corners.tolist()))


def overlapping(box: npt.NDArray[np.int64], boxes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Indices of the boxes that share a pixel with a given one."""
    return np.flatnonzero(((boxes[:, 0] < box[1]) & (box[0] < boxes[:, 1])).all(axis=1))
