"""What a reader of annotations returns: the outlined objects of an image."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from cellseg_monai.outputs.counting import counted
from cellseg_monai.polygons import Shape

Rings = Sequence[npt.NDArray[Any]]
"""Corners of each ring of one piece, as x and y; points in an even number of rings are outside."""


@dataclass(frozen=True)
class Region:
    """One outlined object.

    Attributes:
        parts: rings of each piece; the object is the union of its pieces.
        number: id of the object according to the file.
        kind: name of its class.
        known: measurements and notes.

    Example:
        >>> import numpy as np
        >>> Region([[np.array([[0, 0], [2, 0], [2, 2]])]], kind="tumour").number is None
        True
    """

    parts: Sequence[Rings]
    number: int | None = None
    kind: str | None = None
    known: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Annotated:
    """The outlined objects of one image in one file.

    Attributes:
        regions: objects, in the order of the file.
        image: file name of the image according to the file.
        size: rows and columns of the image according to the file.
        notes: what the reader left out, in words.

    Example:
        >>> Annotated([], image="a.tif", size=(4, 6)).notes
        ()
    """

    regions: Sequence[Region]
    image: str | None = None
    size: Shape | None = None
    notes: tuple[str, ...] = ()


def without_area(kinds: Iterable[str], total: int) -> tuple[str, ...]:
    """Tell which shapes are left out because they have no area; empty if there are none.

    Args:
        kinds: kind of each shape without an area.
        total: number of all shapes.

    Example:
        >>> without_area(["point", "point", "line"], 5)
        ('3 of 5 shapes have no area (1 line, 2 points) and are skipped',)
        >>> without_area([], 5)
        ()
    """
    listed = list(kinds)
    if not listed:
        return ()
    shown = ", ".join(counted(listed.count(kind), kind) for kind in sorted(set(listed)))
    return (f"{len(listed)} of {total} shapes have no area ({shown}) and are skipped",)


def grouped(regions: Iterable[tuple[Any, Region]]) -> list[Region]:
    """Join the regions of a group to one object in pieces; None is no group.

    Example:
        >>> pieces = [(7, Region(["a"], kind="cell")), (None, Region(["b"])), (7, Region(["c"]))]
        >>> [(one.parts, one.kind) for one in grouped(pieces)]
        [(['a', 'c'], 'cell'), (['b'], None)]
    """
    joined: dict[Any, Region] = {}
    for place, (group, region) in enumerate(regions):
        key = ("alone", place) if group is None else ("group", group)
        first = joined.get(key)
        joined[key] = (
            region
            if first is None
            else Region([*first.parts, *region.parts], first.number, first.kind, first.known)
        )
    return list(joined.values())
