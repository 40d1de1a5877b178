"""Labels of overlapping tiles to the labels of the whole image."""

import os
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cellseg_monai.instances.seams import merged_ids, same_cells
from cellseg_monai.instances.tile_store import TileStore
from cellseg_monai.instances.tiles import Box, Tile, corners_of, covered_shape, overlapping
from cellseg_monai.label_maps import LabelMap, as_label_map, cast, relabel, smallest_dtype


class Writable(Protocol):
    """What labels are written to: an array in memory, a memory-mapped file, a Zarr array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the image."""

    @property
    def dtype(self) -> Any:
        """Of the labels."""

    def __setitem__(self, box: Any, labels: Any) -> None:
        """Take the labels of a part."""


class Stitcher:
    """Collect the labels of tiles, in any order and over several runs, and give out those of the whole image.

    Each tile is decoded alone, by any decoding, on its window. Its core takes its labels from it alone; which
    labels of different tiles are one cell is for :func:`same_cells` to say. The order of adding changes
    nothing, and the ids are 1, 2, … without gaps.

    The result equals the labels of the whole image, up to numbering, if the labels that reach into a core are
    cells of the whole as far as the window shows them. With cells in one piece that is so

    - for connected components of what is decided pixel by pixel: with a halo of 1, whatever the cells' size;
    - for every other decoding (watershed; components after opening, closing, filling of holes, dropping of
      small objects): with a halo of the length of the longest cell, and as far beyond as the decoding looks.

    Cells of several pieces need a halo of the length of the longest in any case. Where cells are longer than
    the halo, two tiles may draw one differently; it stays one cell, drawn in each core as its tile sees it,
    as long as the tiles agree on more than half of a piece of it.

    With a folder, memory holds a few windows and one number for each cell. Each tile is one file there, of 1,
    2 or 4 bytes a pixel. A run that was killed finds in `missing` what is left to do; several processes may
    add to one folder. Delete it when the labels are written, and before tiles are decoded in another way: it
    knows the tiles, not the decoding.

    Args:
        tiles: the plan, as of :func:`tile_grid`; or any whose cores make up an image.
        folder: where the labels of tiles are kept, made if need be; in memory without.

    Raises:
        ValueError: the cores overlap or leave gaps, a window does not reach beyond its core, or the folder
            holds something else.

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
        """Numbers of the tiles that were not yet added, in this run or an earlier one."""
        return sorted(set(range(len(self.tiles))) - self._store.numbers())

    def add(self, number: int, labels: npt.ArrayLike) -> None:
        """Take the labels of a tile's window; a tile that is added again is replaced.

        Args:
            number: of the tile in `tiles`.
            labels: label map of its window, with ids of its own.

        Raises:
            ValueError: there is no such tile, or the labels have another shape than its window.
        """
        if not 0 <= number < len(self.tiles):
            raise ValueError(f"there is no tile {number}, they go from 0 to {len(self.tiles) - 1}")
        ids = np.asarray(labels)
        start, stop = self._corners[number, 1].tolist()
        if ids.shape != (expected := tuple(np.subtract(stop, start).tolist())):
            raise ValueError(
                f"the labels of tile {number} have shape {ids.shape}, its window has {expected}; "
                "decode the window, not the core"
            )
        self._store.keep(number, _of_core(ids, self._within(number, number, part=0)))
        self._cells = None

    def join(self) -> int:
        """Find the labels that are one cell, and number the cells.

        Returns:
            How many cells the image has; choose the dtype of the target by it.

        Raises:
            ValueError: tiles are missing, or there are more labels than int32 has numbers.
        """
        if self._cells is not None:
            return max(int(cells.max(initial=0)) for cells in self._cells)
        if missing := self.missing:
            raise ValueError(
                f"{len(missing)} of {len(self.tiles)} tiles are missing, first {missing[0]}; add() them"
            )
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

    def core(self, number: int) -> LabelMap:
        """The final labels of a tile's core.

        Args:
            number: of the tile in `tiles`.
        """
        if self._cells is None:
            self.join()
        assert self._cells is not None
        table = np.append(np.int32(0), self._cells[number])
        return table.take(self._store.load(number)[self._within(number, number, part=0)])

    def region(self, box: Box) -> LabelMap:
        """The final labels of any part of the image; only what it needs of each tile is read.

        Args:
            box: a slice an axis, with start and stop.

        Raises:
            ValueError: tiles are missing, or the part does not lie in the image.
        """
        self.join()
        assert self._cells is not None
        wanted = np.array([[part.start for part in box], [part.stop for part in box]])
        if (wanted[0] < 0).any() or (wanted[0] > wanted[1]).any() or (wanted[1] > self.shape).any():
            raise ValueError(f"the part {box} does not lie in the image of shape {self.shape}")
        labels = np.zeros(wanted[1] - wanted[0], np.int32)
        for number in overlapping(wanted, self._corners[:, 0]).tolist():
            shared = self._corners[number, 0].clip(*wanted)
            table = np.append(np.int32(0), self._cells[number])
            kept = self._store.load(number)[_box(shared - self._corners[number, 1, 0])]
            labels[_box(shared - wanted[0])] = table.take(kept)
        return labels

    def write(self, target: Writable) -> int:
        """Write the labels of the whole image, tile by tile.

        Args:
            target: an array of the image's shape. Writing is quick where cores are whole chunks of it.

        Returns:
            How many cells the image has.

        Raises:
            ValueError: tiles are missing, the shape differs, or the dtype does not hold that many ids.
        """
        if tuple(target.shape) != self.shape:
            raise ValueError(f"the target has shape {tuple(target.shape)}, the tiles make up {self.shape}")
        cells = self.join()
        cast([cells], target.dtype)
        for number, tile in enumerate(self.tiles):
            target[tile.core] = self.core(number).astype(target.dtype, copy=False)
        return cells

    def _same_cells(self, one: int, other: int) -> npt.NDArray[np.int64]:
        """Pairs of labels of two tiles, each numbered in its tile."""
        first = self._store.load(one)[self._within(one, other, part=1)]
        second = self._store.load(other)[self._within(other, one, part=1)]
        if not first.any() or not second.any():
            return np.empty((0, 2), np.int64)
        start, stop = self._corners[one, 1].clip(*self._corners[other, 1])
        cores = (self._corners[number, 0].clip(start, stop) - start for number in (one, other))
        return same_cells(first, second, *(_box(core) for core in cores))

    def _within(self, number: int, other: int, part: int) -> Box:
        """The core (part 0) or the window (part 1) of another tile, as far as it lies in a tile's window."""
        window = self._corners[number, 1]
        return _box(self._corners[other, part].clip(*window) - window[0])


def _of_core(labels: npt.NDArray[Any], core: Box) -> npt.NDArray[Any]:
    """Labels that reach into the core, renumbered; the others are other tiles' and may be cut off here."""
    if labels.dtype != np.int32 or labels.max() > labels.size:
        labels = relabel(labels)  # so that a table of all ids is small
    labels = as_label_map(labels)
    present = np.bincount(labels[core].ravel(), minlength=int(labels.max()) + 1) > 0
    present[0] = False
    numbers = np.where(present, np.cumsum(present), 0)
    return numbers.astype(smallest_dtype(int(numbers.max()))).take(labels)


def _box(corners: npt.NDArray[np.int64]) -> Box:
    return tuple(map(slice, *corners.tolist()))


def stitch(tiles: Iterable[tuple[Tile, npt.ArrayLike]]) -> LabelMap:
    """Labels of tiles to those of the whole image, all in memory; for more there is :class:`Stitcher`.

    Args:
        tiles: each with the label map of its window, in any order.

    Returns:
        Cells numbered from 1 without gaps.

    Raises:
        ValueError: the tiles do not make up an image, or labels do not have the shape of their window.

    Example:
        >>> from cellseg_monai.instances import components, tile_grid
        >>> probability = np.array([[0.9, 0.0, 0.8, 0.7, 0.9, 0.0]])
        >>> tiles = tile_grid(probability.shape, size=3, halo=1)
        >>> stitch((tile, components(probability[tile.window])) for tile in tiles)
        array([[1, 0, 2, 2, 2, 0]], dtype=int32)
    """
    plan, labels = [], []
    for tile, labels_of_tile in tiles:
        plan.append(tile)
        labels.append(labels_of_tile)
    stitcher = Stitcher(plan)
    for number, labels_of_tile in enumerate(labels):
        stitcher.add(number, labels_of_tile)
    whole = np.zeros(stitcher.shape, np.int32)
    stitcher.write(whole)
    return whole
