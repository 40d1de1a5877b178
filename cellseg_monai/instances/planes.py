"""Stacks and movies, plane by plane: tiles of the planes, and labels of the planes joined to those of all."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellseg_monai.instances.linking import Linking, Shared, shared_pixels
from cellseg_monai.instances.stitcher import Stitcher
from cellseg_monai.instances.tiles import Box, Tile, tile_grid
from cellseg_monai.label_maps import LabelMap


def plane_grid(shape: Sequence[int], size: int | Sequence[int], halo: int | Sequence[int]) -> list[Tile]:
    """Cut each plane of a stack into a grid of tiles, as :func:`tile_grid` does; tiles have one plane.

    Args:
        shape: shape of an image with axes x, y, or of a stack or movie with axes x, y and planes.
        size: side of the cores in pixels along x and y.
        halo: width of the margin in pixels along x and y.

    Returns:
        Tiles, one plane after the other.

    Raises:
        ValueError: see :func:`tile_grid`.

    Example:
        >>> [tile.core[2] for tile in plane_grid((30, 40, 2), size=64, halo=8)]
        [slice(0, 1, None), slice(1, 2, None)]
    """
    flat = tile_grid(shape[:2], size, halo)
    if len(shape) == 2:
        return flat
    planes = [slice(number, number + 1) for number in range(shape[2])]
    return [Tile((*tile.core, plane), (*tile.window, plane)) for plane in planes for tile in flat]


class PlaneStitcher:
    """Collect the labels of tiles of planes, and join them: to planes, and the planes to a stack or a movie.

    Each plane is joined by a :class:`Stitcher`, with its rules for memory and interrupted runs. The cells of
    a stack are then linked across z; see :class:`Linking`. The frames of a movie keep ids of their own.

    Args:
        tiles: tiles from :func:`plane_grid`.
        folder: folder for the labels of the tiles, created if necessary. By default they stay in memory.
        link: whether the planes are a stack whose cells are linked, and not the frames of a movie.
        min_overlap: as in :class:`Linking`.
        max_gap: as in :class:`Linking`.
        waist: as in :class:`Linking`.

    Example:
        >>> stitcher = PlaneStitcher(plane_grid((2, 1, 2), size=64, halo=8))
        >>> stitcher.add(0, [[5], [0]])
        >>> stitcher.add(1, [[7], [8]])
        >>> stitcher.join()
        2
        >>> stitcher.region((slice(0, 2), slice(0, 1), slice(0, 2)))[:, 0]
        array([[1, 1],
               [0, 2]], dtype=int32)
    """

    flat_tiles = True
    """Tiles have two axes, whatever the image has."""

    def __init__(
        self,
        tiles: Sequence[Tile],
        folder: str | os.PathLike[str] | None = None,
        *,
        link: bool = True,
        min_overlap: float = 0.6,
        max_gap: int = 1,
        waist: float = 0.6,
    ) -> None:
        self._linking = Linking(min_overlap, max_gap, waist) if link else None
        self._is_stack = len(tiles[0].core) == 3
        planes: dict[int, list[Tile]] = {}
        for core, window in tiles:
            planes.setdefault(core[2].start if self._is_stack else 0, []).append(Tile(core[:2], window[:2]))
        self._planes = [
            Stitcher(flat, None if folder is None else Path(folder, str(plane)))
            for plane, flat in planes.items()
        ]
        self._cores = [tile.core for tile in planes[0]]
        self._ids: list[npt.NDArray[np.int32]] | None = None
        self._cells = 0

    @property
    def missing(self) -> list[int]:
        """Indices of the tiles that have not been added yet, in this run or an earlier one."""
        own = len(self._cores)
        return [place * own + tile for place, plane in enumerate(self._planes) for tile in plane.missing]

    def add(self, number: int, labels: npt.ArrayLike) -> None:
        """Add the labels of a tile's window, with two axes and any ids."""
        plane, tile = divmod(number, len(self._cores))
        self._planes[plane].add(tile, labels)
        self._ids = None

    def join(self) -> int:
        """Join tiles and link planes.

        Returns:
            Number of cells: of the stack, or of all frames together.

        Raises:
            ValueError: If tiles are missing.
        """
        if self._ids is None:
            counts = [plane.join() for plane in self._planes]
            if self._linking is None or not self._is_stack:
                self._ids = [np.arange(count + 1, dtype=np.int32) for count in counts]
                self._cells = sum(counts)
            else:
                areas = [self._areas(place, count) for place, count in enumerate(counts)]
                self._ids = self._linking.ids(areas, self._shared)
                self._cells = int(max(table.max() for table in self._ids))
        return self._cells

    def region(self, box: Box) -> LabelMap:
        """Final labels of a region.

        Args:
            box: one slice with start and stop per axis.

        Raises:
            ValueError: If tiles are missing, or the region is not inside the image.
        """
        self.join()
        assert self._ids is not None
        if not self._is_stack:
            return self._planes[0].region(box)
        planes = range(box[2].start, box[2].stop)
        return np.stack([self._ids[place].take(self._planes[place].region(box[:2])) for place in planes], -1)

    def _areas(self, place: int, count: int) -> npt.NDArray[np.int64]:
        regions = (self._planes[place].region(core).ravel() for core in self._cores)
        areas = sum(np.bincount(region, minlength=count + 1) for region in regions)
        return np.asarray(areas)[1:]

    def _shared(self, one: int, other: int) -> Shared:
        """Overlaps of two planes; a cell in several cores is counted once."""
        planes = self._planes[one], self._planes[other]
        parts = [shared_pixels(*(plane.region(core) for plane in planes)) for core in self._cores]
        ids, others, pixels = (np.concatenate(each) for each in zip(*parts, strict=True))
        pairs, place = np.unique(np.stack([ids, others]), axis=1, return_inverse=True)
        totals = np.bincount(place.ravel(), pixels, minlength=pairs.shape[1]).astype(np.int64)
        return Shared(pairs[0], pairs[1], totals)
