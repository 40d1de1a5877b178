"""Label maps to polygons along the edges of pixels, so that the polygons hold the same pixels again.

Every side of a pixel that parts an object from something else is an edge, walked with the object on the
right-hand side on the screen. Each edge knows the one after it, and the rings of these successors, all of
them at once, are brought into order by pointer doubling: a dozen passes over arrays, whatever the number of
cells. Where two pixels of one object touch by a corner alone, the walk joins them if they also hang together
by sides, and passes by if they do not; so no ring ever meets itself, and the polygons are valid ones.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap, as_label_map, connected_components

Points = npt.NDArray[np.int32]
"""Corners as x and y, counted from the upper left corner of the image: the first pixel spans 0 to 1."""

_Integers = npt.NDArray[np.int64]


class Outline(NamedTuple):
    """The polygons of one object.

    Attributes:
        id: of the object.
        polygons: for each piece that hangs together by sides the outer ring, then its holes. Rings are open
            (the first corner is not repeated) and have a corner only where they turn; outer rings have a
            positive area in x and y, holes a negative one.

    Example:
        >>> number, polygons = outlines([[7, 7]])[0]
        >>> number, polygons[0][0].tolist()
        (7, [[0, 0], [2, 0], [2, 1], [0, 1]])
    """

    id: int
    polygons: list[list[Points]]

    @property
    def rings(self) -> list[Points]:
        """All rings, outer ones and holes."""
        return [ring for polygon in self.polygons for ring in polygon]


def outlines(label_map: npt.ArrayLike) -> list[Outline]:
    """Trace every object along the edges of its pixels.

    Args:
        label_map: objects, also with holes, in several pieces, and touching each other.

    Returns:
        An outline for each id, in the order of the ids.

    Raises:
        ValueError: it is no label map of rows and columns.

    Example:
        >>> ring = [[1, 1, 1], [1, 0, 1], [1, 1, 1]]
        >>> [part.tolist() for part in outlines(ring)[0].rings]
        [[[0, 0], [3, 0], [3, 3], [0, 3]], [[1, 2], [2, 2], [2, 1], [1, 1]]]
    """
    ids = as_label_map(label_map)
    if ids.ndim != 2:
        raise ValueError(
            f"polygons are traced in rows and columns, not in the shape {ids.shape}; give one plane"
        )
    if not ids.any():
        return []
    pieces = np.pad(connected_components(ids, connectivity=1), 1)
    pixels, sides, following = _edges(pieces)
    ring_of, order = _walk(following)
    pixels, sides, ring_of = pixels[order], sides[order], ring_of[order]
    turns = sides != _previous_in_ring(sides, ring_of)
    pixels, sides, ring_of = pixels[turns], sides[turns], ring_of[turns]

    rows, columns = np.divmod(pixels, pieces.shape[1])  # of the padded map: one too many
    corners = np.stack([columns - 1 + _START_X[sides], rows - 1 + _START_Y[sides]], axis=1).astype(np.int32)
    first = np.flatnonzero(np.diff(ring_of, prepend=-1))
    holes = _areas(corners, first) < 0
    rings = np.split(corners, first[1:])
    numbers = pieces.ravel()[pixels[first]]
    objects = ids[rows[first] - 1, columns[first] - 1]
    return _assemble(rings, objects, numbers, holes)


# Sides of a pixel in the order of the walk: upper (eastwards), right (down), lower (west), left (up).
_START_X = np.array([0, 1, 1, 0])
_START_Y = np.array([0, 0, 1, 1])


def _edges(pieces: LabelMap) -> tuple[_Integers, npt.NDArray[np.int8], _Integers]:
    """Pixel and side of every edge, and the place of the edge that follows it."""
    width = pieces.shape[1]
    flat = pieces.ravel()
    ahead = (1, width, -1, -width)  # from a pixel along each of its sides
    outward = (-width, 1, width, -1)  # across it
    core = pieces[1:-1, 1:-1]
    found = []
    for across in outward:
        down, right = divmod(across + width + 1, width)
        beyond = pieces[down : down + core.shape[0], right : right + core.shape[1]]
        rows, columns = np.nonzero((core != beyond) & (core > 0))
        found.append((rows + 1) * width + columns + 1)
    starts = np.cumsum([0, *map(len, found)])
    following = []
    for side, pixels in enumerate(found):
        here = flat[pixels]
        straight = pixels + ahead[side]
        outer = straight + outward[side]
        turns_out = flat[outer] == here
        goes_on = ~turns_out & (flat[straight] == here)
        # an outer corner stays at its pixel, an inner one goes over to the pixel across
        after = np.empty(len(pixels), np.int64)
        for where, target, way in (
            (turns_out, outer, (side - 1) % 4),
            (goes_on, straight, side),
            (~turns_out & ~goes_on, pixels, (side + 1) % 4),
        ):
            after[where] = starts[way] + found[way].searchsorted(target[where])
        following.append(after)
    sides = np.repeat(np.arange(4, dtype=np.int8), np.diff(starts))
    return np.concatenate(found), sides, np.concatenate(following)


def _walk(following: _Integers) -> tuple[_Integers, _Integers]:
    """For each edge the first edge of its ring, and the order that lists ring after ring as walked."""
    first = np.arange(len(following))
    jump = following
    while True:  # the smallest of 1, 2, 4, … edges ahead, until that is the whole ring
        smaller = np.minimum(first, first[jump])
        if (smaller == first).all():
            break
        first, jump = smaller, jump[jump]
    last = first == following
    jump = np.where(last, np.arange(len(following)), following)
    left = (~last).astype(np.int64)  # edges from here to the last one of the ring
    while (ahead := left[jump]).any():
        left, jump = left + ahead, jump[jump]
    heads = np.flatnonzero(first == np.arange(len(first)))
    ring = np.empty_like(first)
    ring[heads] = np.arange(len(heads))
    ends = np.cumsum(left[heads] + 1) - 1
    order = np.empty_like(first)
    order[ends[ring[first]] - left] = np.arange(len(first))
    return first, order


def _previous_in_ring(values: npt.NDArray[Any], ring_of: _Integers) -> npt.NDArray[Any]:
    previous = np.roll(values, 1)
    first = np.flatnonzero(np.diff(ring_of, prepend=-1))
    previous[first] = values[np.append(first[1:], len(values)) - 1]
    return previous


def _areas(corners: Points, first: _Integers) -> npt.NDArray[np.float64]:
    """Area of each ring, negative for holes."""
    x, y = corners.T.astype(np.int64)
    following = np.arange(1, len(corners) + 1)
    following[np.append(first[1:], len(corners)) - 1] = first
    return np.add.reduceat(x * y[following] - x[following] * y, first) / 2


def _assemble(
    rings: list[Points], objects: LabelMap, pieces: LabelMap, holes: npt.NDArray[np.bool_]
) -> list[Outline]:
    """Put the holes behind the outer ring of their piece, and the pieces of an id together."""
    found: list[Outline] = []
    last_piece = -1
    for place in np.lexsort((holes, pieces, objects)).tolist():
        number, piece = int(objects[place]), int(pieces[place])
        if not found or found[-1].id != number:
            found.append(Outline(number, []))
        if piece != last_piece:
            found[-1].polygons.append([])
            last_piece = piece
        found[-1].polygons[-1].append(rings[place])
    return found
