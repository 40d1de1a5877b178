"""Label maps to polygons along the edges of pixels, so that the polygons contain exactly the same pixels.

Every side of a pixel that separates an object from something else is an edge, followed with the object on the
right-hand side on the screen. Each edge has one successor, and SciPy's graph search brings all rings of
successors into order at once. Where two pixels of one object touch only at a corner, the walk joins them if
they are also connected by sides, and otherwise separates them; so no ring ever meets itself, and all polygons
are valid.
"""

from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from cellseg_monai.label_maps import LabelMap, as_label_map, connected_components

Points = npt.NDArray[np.int32]
"""Corners as x and y, counted from the upper left corner of the image: the first pixel spans 0 to 1."""

_Integers = npt.NDArray[np.int64]


class Outline(NamedTuple):
    """The polygons of one object.

    Attributes:
        id: id of the object.
        polygons: outer ring and holes of each piece, where pieces are connected by sides. Rings are open (the
            first corner is not repeated) and have corners only where they turn; outer rings have a positive
            area in x and y, holes a negative one.

    Example:
        >>> number, polygons = outlines([[7, 7]])[0]
        >>> number, polygons[0][0].tolist()
        (7, [[0, 0], [2, 0], [2, 1], [0, 1]])
    """

    id: int
    polygons: list[list[Points]]

    @property
    def rings(self) -> list[Points]:
        """All rings: outer rings and holes."""
        return [ring for polygon in self.polygons for ring in polygon]


def outlines(label_map: npt.ArrayLike) -> list[Outline]:
    """Trace every object along the edges of its pixels.

    Args:
        label_map: label map of one plane; objects may touch, have holes, and be in several pieces.

    Returns:
        An outline for each id, in ascending order.

    Raises:
        ValueError: the array is not a label map of one plane.

    Example:
        >>> ring = [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
        >>> [part.tolist() for part in outlines(ring)[0].rings]
        [[[0, 0], [3, 0], [3, 3], [0, 3]], [[1, 2], [2, 2], [2, 1], [1, 1]]]
    """
    ids = as_label_map(label_map)
    if ids.ndim != 2:
        raise ValueError(f"outlines need one plane, but the label map has shape {ids.shape}")
    if not ids.any():
        return []
    pieces = np.pad(connected_components(ids, connectivity=1), 1)
    pixels, sides, turns, following = _edges(pieces)
    ring_of, order = _walk(following)
    order = order[turns[order] != 0]
    pixels, sides, turns, ring_of = pixels[order], sides[order], turns[order], ring_of[order]

    rows, columns = np.divmod(pixels, pieces.shape[1])  # of the padded map, so 1 too high
    corners = np.stack([columns - 1 + _START_X[sides], rows - 1 + _START_Y[sides]], axis=1).astype(np.int32)
    first = np.flatnonzero(np.diff(ring_of, prepend=-1))
    holes = np.add.reduceat(turns, first) < 0
    rings = np.split(corners, first[1:])
    numbers = pieces.ravel()[pixels[first]]
    objects = ids[rows[first] - 1, columns[first] - 1]
    return _assemble(rings, objects, numbers, holes)


# Sides of a pixel in the order of the walk: upper (eastwards), right (down), lower (west), left (up).
_START_X = np.array([0, 1, 1, 0])
_START_Y = np.array([0, 0, 1, 1])


def _edges(pieces: LabelMap) -> tuple[_Integers, _Integers, _Integers, _Integers]:
    """Pixel, side, turn at the start (1 right, -1 left) and following edge of every edge."""
    width, flat = pieces.shape[1], pieces.ravel()
    ahead = np.array([1, width, -1, -width])  # step along each side of a pixel
    outward = np.array([-width, 1, width, -1])  # step across it
    core = flat[width:-width]
    found = [
        np.flatnonzero((core != flat[width + step : flat.size - width + step]) & (core > 0)) + width
        for step in outward.tolist()
    ]
    pixels, sides = np.concatenate(found), np.repeat(np.arange(4), [len(part) for part in found])
    here, straight = flat[pixels], pixels + ahead[sides]
    outer = straight + outward[sides]
    turn = np.where(flat[outer] == here, -1, np.where(flat[straight] == here, 0, 1))
    # An outer corner stays at its pixel, an inner corner moves on to the pixel across.
    target = np.choose(turn + 1, [outer, straight, pixels])
    edges = sides * flat.size + pixels  # ascending
    following = np.searchsorted(edges, (sides + turn) % 4 * flat.size + target)
    turns = np.empty_like(turn)
    turns[following] = turn
    return pixels, sides, turns, following


def _walk(following: _Integers) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Ring of each edge, and the order that lists the edges ring after ring as walked."""
    ring_of = csgraph.connected_components(_graph(following))[1]
    heads = np.unique(ring_of, return_index=True)[1]
    last = np.empty_like(following)
    last[following] = np.arange(len(following))
    chain = following.copy()
    chain[last[heads]] = np.roll(heads, -1)  # from the end of each ring to the head of the next one
    return ring_of, csgraph.breadth_first_order(_graph(chain), heads[0], return_predecessors=False)


def _graph(following: _Integers) -> sparse.csr_array:
    """A graph in which each edge leads to the one that follows it."""
    count = len(following)
    return sparse.csr_array((np.ones(count), following, np.arange(count + 1)), shape=(count, count))


def _assemble(
    rings: list[Points], objects: LabelMap, pieces: LabelMap, holes: npt.NDArray[np.bool_]
) -> list[Outline]:
    """Sort holes behind the outer ring of their piece, and collect the pieces of each id."""
    order = np.lexsort((holes, pieces, objects)).tolist()
    return [
        Outline(
            int(number),
            [[rings[place] for place in piece] for _, piece in groupby(of_object, pieces.__getitem__)],
        )
        for number, of_object in groupby(order, objects.__getitem__)
    ]
