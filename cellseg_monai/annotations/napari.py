"""Shapes layers of napari as CSV: one row for each corner.

Coordinates are rows and columns from the centre of the first pixel, half a pixel away from its corner.
"""

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cellseg_monai.annotations.curves import inscribed_ellipse
from cellseg_monai.annotations.regions import Annotated, Region, without_area

HEADER = "index,shape-type,vertex-index,axis-0"
"""Start of every file."""

_AREAS = ("polygon", "rectangle", "ellipse")


def read(path: Path) -> list[Annotated]:
    """Read polygons, rectangles and ellipses of one plane; they have neither ids nor classes.

    Raises:
        ValueError: the file is not a shapes layer, a value is not a number, or shapes lie on several planes.
    """
    corners: dict[str, list[list[float]]] = {}
    kinds: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        axes = [name for name in reader.fieldnames or () if name.startswith("axis-")]
        if not {"index", "shape-type"} <= set(reader.fieldnames or ()) or len(axes) < 2:
            raise ValueError(
                "is not a shapes layer of napari: it lacks the columns index, shape-type and axis-0"
            )
        for line, row in enumerate(reader, start=2):
            try:
                corners.setdefault(row["index"], []).append([float(row[axis]) for axis in axes])
            except (TypeError, ValueError) as error:
                raise ValueError(f"line {line} has a coordinate that is not a number") from error
            kinds[row["index"]] = row["shape-type"]
    points = {index: np.array(listed, np.float64) for index, listed in corners.items()}
    planes = {tuple(plane) for one in points.values() for plane in one[:, :-2].round().tolist()}
    if len(planes) > 1:
        raise ValueError(f"its shapes lie on {len(planes)} planes; save the shapes of each plane alone")
    regions = [
        Region([[_ring(kinds[index], one[:, :-3:-1] + 0.5)]])
        for index, one in points.items()
        if kinds[index] in _AREAS
    ]
    notes = without_area((kind for kind in kinds.values() if kind not in _AREAS), len(kinds))
    return [Annotated(regions, notes=notes)]


def _ring(kind: str, corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return inscribed_ellipse(corners) if kind == "ellipse" and len(corners) == 4 else corners
