"""How an image too large to decode at once is cut into tiles that overlap."""

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Box = tuple[slice, ...]


class Tile(NamedTuple):
    """One piece of an image.

    Attributes:
        core: the pixels that this tile answers for; the cores of all tiles make up the image, none twice.
        window: the core and a margin around it, the halo, cut off at the edge of the image; what is decoded.

    Example:
        >>> first, second = tile_grid((4, 6), size=4, halo=1)
        >>> np.arange(24).reshape(4, 6)[second.window].shape
        (4, 3)
    """

    core: Box
    window: Box


def tile_grid(shape: Sequence[int], size: int | Sequence[int], halo: int | Sequence[int]) -> list[Tile]:
    """Cut an image into a grid, row by row.

    A cell comes out of its tile as out of the whole image if the halo is at least as wide as the longest
    cell, plus as far as the decoding looks around; see :class:`~cellseg_monai.instances.Stitcher`.

    Args:
        shape: of the image, a plane or a volume without channel.
        size: side of the cores in pixels, one number or one an axis; the last of an axis may be shorter.
        halo: width of the margin in pixels, one number or one an axis.

    Returns:
        The tiles in the order of reading.

    Raises:
        ValueError: the image is neither plane nor volume or has no pixels, a size or a halo is below 1.

    Example:
        >>> [tile.window[1] for tile in tile_grid((4, 10), size=4, halo=1)]
        [slice(0, 5, None), slice(3, 9, None), slice(7, 10, None)]
    """
    sizes, halos = _one_an_axis("size", size, len(shape)), _one_an_axis("halo", halo, len(shape))
    starts = product(*(range(0, side, step) for side, step in zip(shape, sizes, strict=True)))
    tiles = []
    for start in starts:
        stop = [min(low + step, side) for low, step, side in zip(start, sizes, shape, strict=True)]
        low = [max(edge - halo, 0) for edge, halo in zip(start, halos, strict=True)]
        high = [min(edge + halo, side) for edge, halo, side in zip(stop, halos, shape, strict=True)]
        tiles.append(Tile(tuple(map(slice, start, stop)), tuple(map(slice, low, high))))
    covered_shape(tiles)
    return tiles


def _one_an_axis(name: str, value: int | Sequence[int], axes: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, Sequence) else (int(value),) * axes
    if len(values) != axes or min(values, default=1) < 1:
        raise ValueError(
            f"{name} is one number of pixels or one for each of {axes} axes, at least 1, not {value}"
        )
    return values


def covered_shape(tiles: Sequence[Tile]) -> tuple[int, ...]:
    """The shape of the image whose every pixel lies in one core; what is no such plan is an error."""
    corners = corners_of(tiles)
    cores, windows = corners[:, 0], corners[:, 1]
    shape = cores[:, 1].max(axis=0)
    covered = tuple(shape.tolist())
    if corners.shape[-1] not in (2, 3):
        raise ValueError(f"an image has 2 or 3 axes, channels apart; these tiles have {corners.shape[-1]}")
    for number, (core, window) in enumerate(zip(cores, windows, strict=True)):
        if ((core < 0) | (core[0] >= core[1])).any() or (window[0] < 0).any() or (window[1] > shape).any():
            raise ValueError(f"tile {number}, {tiles[number]}, has no core, or reaches out of the image")
        reach = (window[0] < core[0]) | (core[0] == 0), (window[1] > core[1]) | (core[1] == shape)
        if not np.all(reach):
            raise ValueError(
                f"the window of tile {number}, {tiles[number]}, does not reach beyond its core; cells over a "
                "seam are joined by what both tiles see of them: give a halo as wide as the longest cell"
            )
        if len(overlapping(core, cores)) > 1:
            raise ValueError(f"tile {number}, {tiles[number]}, shares pixels of its core with another tile")
    if np.prod(cores[:, 1] - cores[:, 0], axis=1).sum() != shape.prod():
        raise ValueError(f"the cores of the {len(tiles)} tiles leave gaps in the image of shape {covered}")
    return covered


def corners_of(tiles: Sequence[Tile]) -> npt.NDArray[np.int64]:
    """Corners as an array of (tile, core or window, first or last, axis)."""
    if not tiles:
        raise ValueError("there are no tiles; an image of no pixels cannot be cut into any")
    if len({len(box) for tile in tiles for box in tile}) > 1:
        raise ValueError("the tiles differ in their number of axes")
    if any(
        edge is None for tile in tiles for box in tile for part in box for edge in (part.start, part.stop)
    ):
        raise ValueError("the slices of a tile say where they start and stop, as in slice(0, 512)")
    corners = [
        [([part.start for part in box], [part.stop for part in box]) for box in tile] for tile in tiles
    ]
    return np.array(corners, np.int64)


def overlapping(box: npt.NDArray[np.int64], boxes: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Which of the boxes share a pixel with the first one."""
    return np.flatnonzero(((boxes[:, 0] < box[1]) & (box[0] < boxes[:, 1])).all(axis=1))
