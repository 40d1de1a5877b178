"""What the files of other programs hold: a label map, and what is known of each object."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.label_maps import LabelMap
from cellseg_monai.polygons import Shape, fill

logger = logging.getLogger(__name__)

Rings = Sequence[npt.NDArray[Any]]
"""Corners of each ring of one object, as x and y from the upper left corner of the image."""


@dataclass(frozen=True)
class Objects:
    """A label map and a table of its objects.

    Attributes:
        label_map: rows and columns.
        table: a row an object, its id as index. The column ``class`` names classes, columns of numbers are
            measurements, other columns are notes. No columns where nothing is known.

    Example:
        >>> cells = Objects(np.array([[1, 2]]), pd.DataFrame({"class": ["tumour"]}, index=[2]))
        >>> cells.classes
        {2: 'tumour'}
    """

    label_map: LabelMap
    table: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def classes(self) -> dict[int, str]:
        """Class by id, of those that have one."""
        if "class" not in self.table:
            return {}
        return {int(number): str(name) for number, name in self.table["class"].dropna().items()}  # type: ignore[call-overload]


def records(
    table: pd.DataFrame | None, ids: Sequence[int], path: str | PathLike[str]
) -> dict[int, dict[str, Any]]:
    """What is known of each id, with Python's own numbers; a table that does not fit the ids is told.

    Example:
        >>> records(pd.DataFrame({"area": [7, 9]}, index=[1, 2]), [2], "a.geojson")
        {2: {'area': 9}}
    """
    if table is None or table.columns.empty:
        return {}
    if not table.index.is_unique:
        double = table.index[table.index.duplicated()][0]
        raise ValueError(f"{path}: the table has several rows for id {double}; keep one of each image")
    present = table.index.intersection(pd.Index(ids))
    if len(present) < len(ids):
        logger.warning(
            "%s: the table has no row for %d of %d objects", path, len(ids) - len(present), len(ids)
        )
    columns = [str(name) for name in table.columns]
    rows = table.loc[present].astype(object).to_numpy().tolist()
    return {
        int(number): {name: _plain(value) for name, value in zip(columns, row, strict=True) if _known(value)}
        for number, row in zip(present, rows, strict=True)
    }


def _known(value: Any) -> bool:
    return not (value is None or value is pd.NaT or value is pd.NA) and not (
        isinstance(value, float | np.floating) and not np.isfinite(value)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return int(value)  # QuPath takes numbers alone
    return value.item() if isinstance(value, np.generic) else value


def draw(
    path: str | PathLike[str],
    objects: Iterable[tuple[int, Rings]],
    stored: Shape | None,
    wanted: Shape | None,
) -> LabelMap:
    """Draw what was read from a file; whatever does not survive is told.

    Args:
        path: the file.
        objects: id and rings; an id may come several times.
        stored: rows and columns that the file tells.
        wanted: rows and columns that the caller knows.

    Raises:
        ValueError: the two differ, or neither is known and there is no object to tell.

    Example:
        >>> draw("a.zip", [(3, [np.array([[0, 0], [2, 0], [2, 1], [0, 1]])])], (1, 3), None)
        array([[3, 3, 0]], dtype=int32)
    """
    listed = list(objects)
    if stored and wanted and stored != wanted:
        raise ValueError(f"{path}: is of an image of {stored} rows and columns, not of {wanted}")
    corners = [np.asarray(ring) for _, rings in listed for ring in rings]
    every = np.concatenate(corners) if corners else np.empty((0, 2))
    shape = wanted or stored
    if shape is None:
        if not len(every):
            raise ValueError(f"{path}: tells neither objects nor the size of the image; give the size")
        columns, rows = np.ceil(every.max(axis=0)).astype(int).tolist()
        shape = (max(rows, 1), max(columns, 1))
        logger.warning("%s: does not tell the size of the image; taken as %d rows, %d columns", path, *shape)
    outside = (every < 0) | (every > shape[::-1])
    if outside.any():
        logger.warning("%s: objects reach beyond the image of %s and are cut off there", path, shape)
    filled = fill(listed, shape)
    if filled.contested:
        logger.warning(
            "%s: %d pixels lie in more than one object; the smallest object has them", path, filled.contested
        )
    if filled.lost:
        some = ", ".join(map(str, filled.lost[:10]))
        logger.warning("%s: no pixel is left of %d objects: %s", path, len(filled.lost), some)
    return filled.label_map


def numbered(path: str | PathLike[str], ids: Sequence[int | None]) -> list[int]:
    """Give a number to objects that have none; that, and a number that several objects have, is told.

    Example:
        >>> numbered("a.zip", [4, None, 2])
        [4, 5, 2]
    """
    known = [number for number in ids if number is not None]
    if len(known) < len(ids):
        logger.warning("%s: %d objects tell no id and get new ones", path, len(ids) - len(known))
    doubles = len(known) - len(set(known))
    if doubles:
        logger.warning("%s: %d objects repeat the id of another and become pieces of it", path, doubles)
    following = iter(range(max(known, default=0) + 1, max(known, default=0) + 1 + len(ids)))
    return [next(following) if number is None else number for number in ids]
