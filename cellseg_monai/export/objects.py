"""Contents of a file of another program: a label map, and what is known about each object."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from cellseg_monai.annotations.drawing import draw, needed_shape
from cellseg_monai.annotations.regions import Annotated
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.outputs import StrPath
from cellseg_monai.polygons import Shape

logger = logging.getLogger(__name__)


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


def objects_of(path: StrPath, annotated: Annotated, shape: Shape | None = None) -> Objects:
    """Draw the objects of a file; whatever is lost is reported in the log.

    Args:
        path: file that the objects come from, for messages.
        annotated: objects of one image.
        shape: rows and columns of the image, if the file does not have them.

    Raises:
        ValueError: the shape differs from that of the file, or neither is known and there is no object to
            derive it from.

    Example:
        >>> from cellseg_monai.annotations import Region
        >>> square = np.array([[0, 0], [2, 0], [2, 1], [0, 1]])
        >>> objects_of("a.zip", Annotated([Region([[square]], number=3)]), (1, 3)).label_map
        array([[3, 3, 0]], dtype=int32)
    """
    if annotated.size and shape and annotated.size != shape:
        raise ValueError(f"{path}: made for an image with shape {annotated.size}, not {shape}")
    size = shape or annotated.size
    if size is None:
        size = needed_shape(annotated.regions)
        if size is None:
            raise ValueError(f"{path}: has neither objects nor an image size; give the size")
        logger.warning("%s: has no image size; assuming %d rows, %d columns", path, *size)
    drawn = draw(annotated.regions, size)
    for note in (*annotated.notes, *drawn.losses()):
        logger.warning("%s: %s", path, note)
    rows = {
        number: {**({"class": one.kind} if one.kind else {}), **one.known}
        for number, one in zip(drawn.ids, annotated.regions, strict=True)
    }
    known = {number: row for number, row in rows.items() if row}
    return Objects(drawn.label_map, pd.DataFrame.from_dict(known, orient="index"))
