"""Contents of a file of another program: a label map, and what is known about each object."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from cellseg_monai.label_maps import LabelMap
from cellseg_monai.outputs import StrPath
from cellseg_monai.polygons import Shape, fill

logger = logging.getLogger(__name__)

Rings = Sequence[npt.NDArray[Any]]
"""Corners of each ring of one object, as x and y from the upper left corner of the image."""


@dataclass(frozen=True)
class Objects:
    """A label map and a table of its objects.

    Attributes:
        label_map: label map of one plane.
        table: one row per object, with its id as index. The column ``class`` holds class names, numeric
            columns are measurements, other columns are notes. Without columns if nothing is known.

    Example:
        >>> cells = Objects(np.array([[1, 2]]), pd.DataFrame({"class": ["tumour"]}, index=[2]))
        >>> cells.classes
        {2: 'tumour'}
    """

    label_map: LabelMap
    table: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def classes(self) -> dict[int, str]:
        """Class name by id, for objects that have a class."""
        if "class" not in self.table:
            return {}
        return {int(number): str(name) for number, name in self.table["class"].dropna().items()}  # type: ignore[call-overload]


def warn(path: StrPath, number: int, text: str) -> None:
    """Log what happened to a number of objects or pixels, unless the number is 0."""
    if number:
        logger.warning("%s: %d %s", path, number, text)


def records(table: pd.DataFrame | None, ids: Sequence[int], path: StrPath) -> dict[int, dict[str, Any]]:
    """Values of the table by id, as plain Python numbers; objects without a row are reported in the log.

    Example:
        >>> records(pd.DataFrame({"area": [7, 9]}, index=[1, 2]), [2], "a.geojson")
        {2: {'area': 9}}
    """
    if table is None or table.columns.empty:
        return {}
    if not table.index.is_unique:
        double = table.index[table.index.duplicated()][0]
        raise ValueError(f"{path}: the table has several rows for id {double}; keep one row per object")
    present = table.index.intersection(pd.Index(ids))
    warn(path, len(ids) - len(present), f"of {len(ids)} objects have no row in the table")
    rows: Any = table.loc[present].rename(columns=str).to_dict("index")
    return {
        int(number): {
            name: int(value) if isinstance(value, bool) else value  # QuPath only accepts numbers
            for name, value in row.items()
            if not pd.isna(value) and value not in (np.inf, -np.inf)
        }
        for number, row in rows.items()
    }


def draw(
    path: StrPath,
    objects: Iterable[tuple[int, Rings]],
    stored: Shape | None = None,
    wanted: Shape | None = None,
) -> LabelMap:
    """Draw the objects of a file; whatever is lost is reported in the log.

    Args:
        path: file that the objects come from, for messages.
        objects: id and rings of each object; an id may occur several times.
        stored: rows and columns according to the file.
        wanted: rows and columns according to the caller.

    Raises:
        ValueError: the two shapes differ, or neither is known and there is no object to derive it from.

    Example:
        >>> draw("a.zip", [(3, [np.array([[0, 0], [2, 0], [2, 1], [0, 1]])])], (1, 3))
        array([[3, 3, 0]], dtype=int32)
    """
    listed = list(objects)
    if stored and wanted and stored != wanted:
        raise ValueError(f"{path}: made for an image with shape {stored}, not {wanted}")
    corners = np.concatenate([np.empty((0, 2)), *(ring for _, rings in listed for ring in rings)])
    shape = wanted or stored
    if shape is None:
        if not len(corners):
            raise ValueError(f"{path}: has neither objects nor an image size; give the size")
        columns, rows = np.ceil(corners.max(axis=0)).astype(int).tolist()
        shape = (max(rows, 1), max(columns, 1))
        logger.warning("%s: has no image size; assuming %d rows, %d columns", path, *shape)
    outside = (corners < 0) | (corners > shape[::-1])
    if outside.any():
        logger.warning("%s: objects extend beyond the image of %s and are cut off there", path, shape)
    filled = fill(listed, shape)
    warn(path, filled.contested, "pixels lie in more than one object; the smallest object keeps them")
    some = ", ".join(map(str, filled.lost[:10]))
    warn(path, len(filled.lost), f"objects have no pixel left: {some}")
    return filled.label_map


def numbered(path: StrPath, ids: Sequence[int | None]) -> list[int]:
    """Number the objects that have no id; those, and repeated ids, are reported in the log.

    Example:
        >>> numbered("a.zip", [4, None, 2])
        [4, 5, 2]
    """
    known = [number for number in ids if number is not None]
    warn(path, len(ids) - len(known), "objects have no id and get new ones")
    warn(path, len(known) - len(set(known)), "objects repeat the id of another object and are merged with it")
    following = count(max(known, default=0) + 1)
    return [next(following) if number is None else number for number in ids]
