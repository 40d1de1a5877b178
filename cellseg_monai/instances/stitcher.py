"""Stitching: labels of overlapping tiles to labels of the whole image."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cellseg_monai.instances.seams import merged_ids, same_cells
from cellseg_monai.instances.tile_store import TileStore
from cellseg_monai.instances.tiles import Box, Tile, box_of, corners_of, covered_shape, overlapping
from cellseg_monai.label_maps import LabelMap, as_label_map, cast, relabel, smallest_dtype


class Writable(Protocol):
    """Target for labels: an array in memory, a memory-mapped file or a Zarr array."""

    shape: Any

    @property
    def dtype(self) -> Any:
        """Data type of the labels."""

    def __setitem__(self, box: Any, labels: Any) -> None: ...


class Stitcher:
    """Collect the labels of tiles, in any order and over several runs, and join them to those of the image.

    Each tile is decoded separately, by any decoding, on its window. The labels of its core come from this
    tile alone; :func:`same_cells` decides which labels of different tiles are one cell. The order of the
    tiles does not matter, and the ids are 1, 2, … without gaps.

    The result equals the labels of the whole image, up to numbering, if the labels that reach into a core
    are cells of the whole image as far as its window shows them. For connected cells this holds

    - for connected components of a mask without clean-up: with a halo of 1, for cells of any size;
    - for every other decoding (watershed; components after opening, closing, filling holes or dropping small
      objects): with a halo as wide as the longest cell, plus the distance at which pixels affect the
      decoding.

    Cells of several pieces always need a halo as wide as the longest cell. If a cell is longer than the halo,
    two tiles may draw it differently. It remains one cell, drawn in each core as its tile sees it, as long as
    the tiles agree on more than half of one of its pieces.

    With a folder, memory holds only a few windows and one number per cell. The folder has one file per tile,
    with 1, 2 or 4 bytes per pixel. After an interrupted run, `missing` lists the remaining tiles; several
    processes may add to one folder. Delete the folder when the labels are written, and before you change the
    decoding: it stores the tiles, not the decoding.

    Args:
        tiles: tiles from :func:`tile_grid`, or any others whose cores cover an image.
        folder: folder for the labels of the tiles, created if necessary. By default they stay in memory.

    Raises:
        ValueError: If the cores overlap or leave gaps, a window does not extend beyond its core, or the
            folder has other contents.

    Example:
        >>> from cellseg_monai.instances import components, tile_grid
        >>> probability = np.array([[0.9, 0.0, 0.8, 0.7, 0.9, 0.0]])
        >>> stitcher = Stitcher(tile_grid(probability.shape, size=3, halo=1))
        >>> for number in stitcher.missing:
        ...     stitcher.add(number, components(probability[stitcher.tiles[number].window]))
        >>> whole = np.zeros(stitcher.shape, np.int32)
        >>> stitcher.write(whole)
        2
        >>> whole
        array([[1, 0, 2, 2, 2, 0]], dtype=int32)
    """

    def __init__(self, tiles: Sequence[Tile], folder: str | os.PathLike[str] | None = None) -> None:
        self.tiles = list(tiles)
        self.shape = covered_shape(self.tiles)
        self._corners = corners_of(self.tiles)
        self._store = TileStore(folder, self._corners.tolist())
        self._cells: list[LabelMap] | None = None

    @property
    def missing(self) -> list[int]:
        """Indices of the tiles that have not been added yet, in this run or an earlier one."""
        return sorted(set(range(len(self.tiles))) - self._store.numbers())

    def add(self, number: int, labels: npt.ArrayLike) -> None:
        """Add the labels of a tile's window, or replace those added earlier.

        Args:
            number: index of the tile in `tiles`.
            labels: label map of its window, with any ids.

        Raises:
            ValueError: If there is no such tile, or the labels do not have the shape of its window.
        """
        if not 0 <= number < len(self.tiles):
            raise ValueError(f"tile {number} does not exist; the tiles are 0 to {len(self.tiles) - 1}")
        ids = np.asarray(labels)
        start, stop = self._corners[number, 1].tolist()
        if ids.shape != (expected := tuple(np.subtract(stop, start).tolist())):
            raise ValueError(f"tile {number} needs labels of its window, {expected}, not {ids.shape}")
        self._store.keep(number, _of_core(ids, self._within(number, number, part=0)))
        self._cells = None

    def join(self) -> int:
        """Find labels that belong to one cell, and number the cells.

        Returns:
            Number of cells in the image, which determines the dtype of the target.

        Raises:
            ValueError: If tiles are missing, or there are too many labels for int32.
        """
        if self._cells is not None:
            return max(int(cells.max(initial=0)) for cells in self._cells)
        if missing := self.missing:
            raise ValueError(f"{len(missing)} of {len(self.tiles)} tiles are missing, first {missing[0]}")
        counts = [int(self._store.load(number).max()) for number in range(len(self.tiles))]
        before = np.cumsum([0, *counts], dtype=np.int64)
        pairs = [np.empty((0, 2), np.int64)]
        for one in np.flatnonzero(counts).tolist():
            for other in overlapping(self._corners[one, 1], self._corners[:, 1]).tolist():
                if one < other and counts[other]:
                    pairs.append(self._same_cells(one, other) + before[[one, other]])
        cells = merged_ids(int(before[-1]), np.concatenate(pairs))
        self._cells = np.split(cells[1:], before[1:-1])
        return int(cells.max())

    def region(self, box: Box) -> LabelMap:
        """Final labels of a region of the image; of each tile only the necessary part is read.

        Args:
            box: one slice with start and stop per axis.

        Raises:
            ValueError: If tiles are missing, or the region is not inside the image.
        """
        self.join()
        assert self._cells is not None
        wanted = np.array([[part.start for part in box], [part.stop for part in box]])
        if (wanted[0] < 0).any() or (wanted[0] > wanted[1]).any() or (wanted[1] > self.shape).any():
            raise ValueError(f"the region {box} is not inside the image of shape {self.shape}")
        labels = np.zeros(wanted[1] - wanted[0], np.int32)
        for number in overlapping(wanted, self._corners[:, 0]).tolist():
            shared = self._corners[number, 0].clip(*wanted)
            table = np.append(np.int32(0), self._cells[number])
            kept = self._store.load(number)[box_of(shared - self._corners[number, 1, 0])]
            labels[box_of(shared - wanted[0])] = table.take(kept)
        return labels

    def write(self, target: Writable) -> int:
        """Write the labels of the whole image, tile by tile.

        Args:
            target: array with the shape of the image. Writing is fastest if the cores are whole chunks of it.

        Returns:
            Number of cells in the image.

        Raises:
            ValueError: If tiles are missing, the shape differs, or the dtype cannot hold all ids.
        """
        if tuple(target.shape) != self.shape:
            raise ValueError(f"the target has shape {tuple(target.shape)}, but the tiles cover {self.shape}")
        cells = self.join()
        cast([cells], target.dtype)
        for tile in self.tiles:
            target[tile.core] = self.region(tile.core).astype(target.dtype, copy=False)
        return cells

    def _same_cells(self, one: int, other: int) -> npt.NDArray[np.int64]:
        """Pairs of labels of two tiles that are one cell, with the ids of each tile."""
        first = self._store.load(one)[self._within(one, other, part=1)]
        second = self._store.load(other)[self._within(other, one, part=1)]
        if not first.any() or not second.any():
            return np.empty((0, 2), np.int64)
        start, stop = self._corners[one, 1].clip(*self._corners[other, 1])
        cores = (self._corners[number, 0].clip(start, stop) - start for number in (one, other))
        return same_cells(first, second, *(box_of(core) for core in cores))

    def _within(self, number: int, other: int, part: int) -> Box:
        """The part of another tile's core (part 0) or window (part 1) inside the window of a tile."""
        window = self._corners[number, 1]
        return box_of(self._corners[other, part].clip(*window) - window[0])


def _of_core(labels: npt.NDArray[Any], core: Box) -> npt.NDArray[Any]:
    """Labels that reach into the core, renumbered; other labels may be incomplete here."""
    if labels.dtype != np.int32 or labels.max() > labels.size:
        labels = relabel(labels)  # so that a table of all ids is small
    labels = as_label_map(labels)
    present = np.bincount(labels[core].ravel(), minlength=int(labels.max()) + 1) > 0
    present[0] = False
    numbers = np.where(present, np.cumsum(present), 0)
    return numbers.astype(smallest_dtype(int(numbers.max()))).take(labels)


def stitch(tiles: Iterable[tuple[Tile, npt.ArrayLike]]) -> LabelMap:
    """Join labels of tiles in memory; for large images use :class:`Stitcher`.

    Args:
        tiles: pairs of a tile and the label map of its window, in any order.

    Returns:
        Label map of the image, with cells numbered from 1 without gaps.

    Raises:
        ValueError: If the tiles do not cover an image, or labels do not have the shape of their window.

    Example:
        >>> from cellseg_monai.instances import components, tile_grid
        >>> probability = np.array([[0.9, 0.0, 0.8, 0.7, 0.9, 0.0]])
        >>> tiles = tile_grid(probability.shape, size=3, halo=1)
        >>> stitch((tile, components(probability[tile.window])) for tile in tiles)
        array([[1, 0, 2, 2, 2, 0]], dtype=int32)
    """
    labelled = list(tiles)
    stitcher = Stitcher([tile for tile, _ in labelled])
    for number, (_, labels) in enumerate(labelled):
        stitcher.add(number, labels)
    whole = np.zeros(stitcher.shape, np.int32)
    stitcher.write(whole)
    return whole
