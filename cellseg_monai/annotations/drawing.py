"""Outlined objects as a label map, and what was lost while drawing them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from cellseg_monai.annotations.regions import Region
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.polygons import Shape, fill


@dataclass(frozen=True)
class Drawing:
    """A label map that was drawn from outlines.

    Attributes:
        label_map: label map.
        ids: id of each object.
        contested: number of pixels in several objects; the smallest object keeps them.
        lost: ids without a pixel.
        clipped: number of objects that extend beyond the image and are cut off there.
        numbered: number of objects without an id in a file that gives ids to others.
        merged: number of objects that repeat the id of another one.

    Example:
        >>> empty = draw([], (1, 2))
        >>> empty.label_map, empty.ids, list(empty.losses())
        (array([[0, 0]], dtype=int32), (), [])
    """

    label_map: LabelMap
    ids: tuple[int, ...]
    contested: int
    lost: tuple[int, ...]
    clipped: int
    numbered: int
    merged: int

    def losses(self) -> Iterator[str]:
        """Tell in words what was lost or changed."""
        if self.numbered:
            yield f"{self.numbered} objects have no id and get new ones"
        if self.merged:
            yield f"{self.merged} objects repeat the id of another object and are merged with it"
        if self.clipped:
            shape = self.label_map.shape
            yield f"{self.clipped} objects extend beyond the image of {shape} and are cut off there"
        if self.contested:
            yield f"{self.contested} pixels lie in more than one object; the smallest object keeps them"
        if self.lost:
            some = ", ".join(map(str, self.lost[:10])) + (", …" if len(self.lost) > 10 else "")
            yield f"{len(self.lost)} objects have no pixel left: {some}"


def draw(regions: Sequence[Region], shape: Shape) -> Drawing:
    """Draw outlined objects as a label map.

    Objects keep their ids. Those without one get the ids after the highest.

    Args:
        regions: objects.
        shape: rows and columns of the image.

    Raises:
        ValueError: a corner is not finite, or an id does not fit into int32.

    Example:
        >>> square = np.array([[1, 0], [9, 0], [9, 1], [1, 1]])
        >>> drawn = draw([Region([[square]])], (2, 3))
        >>> drawn.label_map.tolist(), list(drawn.losses())
        ([[0, 1, 1], [0, 0, 0]], ['1 objects extend beyond the image of (2, 3) and are cut off there'])
    """
    known = [region.number for region in regions if region.number is not None]
    following = count(max(known, default=0) + 1)
    ids = [next(following) if region.number is None else region.number for region in regions]
    parts = [(number, part) for number, region in zip(ids, regions, strict=True) for part in region.parts]
    filled = fill(parts, shape)
    return Drawing(
        filled.label_map,
        tuple(ids),
        filled.contested,
        filled.lost,
        clipped=sum(_extends(region, shape) for region in regions),
        numbered=len(ids) - len(known) if known else 0,
        merged=len(known) - len(set(known)),
    )


def _extends(region: Region, shape: Shape) -> bool:
    rings = [ring for part in region.parts for ring in part if len(ring)]
    corners = np.concatenate(rings) if rings else np.empty((0, 2))
    return bool((corners < 0).any() or (corners > shape[::-1]).any())


def needed_shape(regions: Sequence[Region]) -> Shape | None:
    """Return the smallest image that contains all corners; None without corners.

    Example:
        >>> needed_shape([Region([[np.array([[1, 0], [9, 0], [9, 1]])]])])
        (1, 9)
    """
    rings = [ring for region in regions for part in region.parts for ring in part if len(ring)]
    if not rings:
        return None
    columns, rows = np.ceil(np.concatenate(rings).max(axis=0)).astype(int).tolist()
    return max(rows, 1), max(columns, 1)
