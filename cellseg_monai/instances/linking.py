r"""Cells of a stack: the cells of its planes, linked across z.

A cell $a$ of one plane and a cell $b$ of the next belong together if most of the smaller one lies on the
other, $|a \cap b| \ge \tau \min(|a|, |b|)$. Each cell has at most one partner above and one below; pairs with
the highest $|a \cap b| / |a \cup b|$ come first. What has no partner looks for one some planes further, so
that a cell survives a plane in which it was not found. Lengths along z do not matter.

Two cells on top of each other would become one. Their areas show a waist: planes that are much smaller than
those on both sides. The chain is cut there.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, as_label_map, overlap_matrix, relabel


class Shared(NamedTuple):
    """Cells of two planes that lie above each other.

    Attributes:
        one: ids in the first plane.
        other: ids in the second plane.
        pixels: number of pixels that both have.
    """

    one: npt.NDArray[np.int64]
    other: npt.NDArray[np.int64]
    pixels: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Linking:
    """How cells of planes become cells of a stack.

    Args:
        min_overlap: share of the smaller cross-section that must lie on the larger one, above 0, up to 1.
        max_gap: number of planes in which a cell may be missing.
        waist: a chain is cut where the area falls below this share of the largest areas on both sides; 0 cuts
            nowhere.

    Raises:
        ValueError: a value is out of range.

    Example:
        >>> Linking(max_gap=-1)
        Traceback (most recent call last):
        ...
        ValueError: max_gap must be 0 or more planes, not -1
    """

    min_overlap: float = 0.6
    max_gap: int = 1
    waist: float = 0.6

    def __post_init__(self) -> None:
        if not 0 < self.min_overlap <= 1:
            raise ValueError(f"min_overlap must be above 0 and at most 1, not {self.min_overlap}")
        if self.max_gap < 0:
            raise ValueError(f"max_gap must be 0 or more planes, not {self.max_gap}")
        if not 0 <= self.waist < 1:
            raise ValueError(f"waist must be from 0 to below 1, not {self.waist}")

    def ids(
        self, areas: Sequence[npt.NDArray[Any]], shared: Callable[[int, int], Shared]
    ) -> list[npt.NDArray[np.int32]]:
        """Number the cells of a stack.

        Args:
            areas: for each plane the areas of its cells, whose ids are 1, 2, …
            shared: function that returns the overlaps of two planes, by their indices.

        Returns:
            For each plane the id in the stack of each of its cells, with 0 for the background in front. Ids
            are 1, 2, … in the order in which the cells begin.
        """
        first = np.cumsum([0, *map(len, areas)])
        area = np.concatenate([np.empty(0), *areas])
        above = self._partners(first, area, shared)
        begins = np.setdiff1d(np.arange(len(area)), above)
        chains = [part for start in begins.tolist() for part in self._cut(_chain(start, above), area)]
        number = np.zeros(len(area), np.int32)
        for place, chain in enumerate(sorted(chains, key=lambda chain: chain[0]), start=1):
            number[chain] = place
        return [np.append(np.int32(0), part) for part in np.split(number, first[1:-1])]

    def _partners(
        self, first: npt.NDArray[Any], area: npt.NDArray[Any], shared: Callable[[int, int], Shared]
    ) -> npt.NDArray[np.int64]:
        """For each cell of a plane its partner in a later plane, or -1."""
        above, taken = np.full(len(area), -1), np.zeros(len(area), bool)
        for plane in range(1, len(first) - 1):
            for below in range(plane - 1, max(plane - 2 - self.max_gap, -1), -1):
                one, other, pixels = shared(below, plane)
                one, other = one - 1 + first[below], other - 1 + first[plane]
                fits = pixels >= self.min_overlap * np.minimum(area[one], area[other])
                similar = pixels / (area[one] + area[other] - pixels)
                for place in np.argsort(-similar, kind="stable").tolist():
                    if fits[place] and above[one[place]] < 0 and not taken[other[place]]:
                        above[one[place]], taken[other[place]] = other[place], True
        return above

    def _cut(self, chain: Sequence[int], area: npt.NDArray[Any]) -> list[list[int]]:
        """Cut a chain of cells of planes at its waists."""
        sizes = area[list(chain)]
        peaks = np.minimum(np.maximum.accumulate(sizes), np.maximum.accumulate(sizes[::-1])[::-1])
        narrow = int(np.argmin(sizes / peaks))
        if sizes[narrow] >= self.waist * peaks[narrow]:
            return [list(chain)]
        # Two tips that meet are of similar size: the cut is on the side where the size changes less.
        steps = np.abs(np.diff(sizes))[narrow - 1 : narrow + 1]
        place = narrow + int(np.argmin(steps))
        return [*self._cut(chain[:place], area), *self._cut(chain[place:], area)]


def link_planes(planes: npt.ArrayLike, linking: Linking | None = None) -> LabelMap:
    """Give the cells of the planes of a stack one id each.

    Args:
        planes: label maps of the planes, (planes, rows, columns), each with ids of its own.
        linking: how cells are linked.

    Returns:
        Label map of the stack, with cells numbered from 1 without gaps.

    Raises:
        ValueError: the array does not have three axes, or no plane.

    Example:
        >>> planes = [[[1, 1, 0, 0]], [[0, 0, 0, 0]], [[2, 2, 0, 1]]]
        >>> link_planes(planes)[:, 0].tolist()
        [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 0, 2]]
    """
    volume = as_label_map(planes)
    if volume.ndim != 3 or not len(volume):
        raise ValueError(f"planes must have the axes planes, rows and columns, not the shape {volume.shape}")
    maps = [relabel(plane) for plane in volume]

    def shared(one: int, other: int) -> Shared:
        return shared_pixels(maps[one], maps[other])

    areas = [np.bincount(plane.ravel())[1:] for plane in maps]
    ids = (linking or Linking()).ids(areas, shared)
    linked: LabelMap = np.stack([table.take(plane) for table, plane in zip(ids, maps, strict=True)])
    return linked


def shared_pixels(one: LabelMap, other: LabelMap) -> Shared:
    """Count the pixels that the cells of two planes share.

    Example:
        >>> shared_pixels(np.array([[1, 1, 0]]), np.array([[5, 5, 5]])).pixels
        array([2])
    """
    overlap = overlap_matrix(one, other)
    counts = overlap.counts.tocoo()
    cells = (counts.row > 0) & (counts.col > 0)
    row, column = counts.row[cells], counts.col[cells]
    return Shared(overlap.row_ids[row], overlap.column_ids[column], counts.data[cells])


def _chain(start: int, above: npt.NDArray[np.int64]) -> list[int]:
    chain = [start]
    while (following := int(above[chain[-1]])) >= 0:
        chain.append(following)
    return chain
