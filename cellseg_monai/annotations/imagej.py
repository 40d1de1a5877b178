"""Regions of interest of ImageJ and Fiji, a zip file of the ROI Manager or a single file, through roifile.

Corners of areas lie on the corners of pixels, from the upper left corner of the image: ImageJ's rectangle of
origin 0 and width 2 covers the first two pixels.
"""

import json
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import numpy as np
from roifile import ImagejRoi

from cellseg_monai.annotations.regions import Annotated, Region, without_area
from cellseg_monai.polygons import Shape

_AREAS = ("RECT", "OVAL", "POLYGON", "FREEHAND", "TRACED")


def read(path: Path) -> list[Annotated]:
    """Read the areas; a name that is a whole number is the id, and a group of ImageJ is the class.

    Raises:
        ValueError: the file cannot be read, or contains no region.
    """
    try:
        contents, size = _contents(path)
        regions = [(name, ImagejRoi.frombytes(content)) for name, content in contents]
        if size is None and not regions:
            raise ValueError("it contains no ImageJ region (.roi)")
        areas = [_region(name, one) for name, one in regions if one.roitype.name in _AREAS]
    except (BadZipFile, ValueError, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"cannot be read: {error}") from error
    others = (one.roitype.name.lower() for _, one in regions if one.roitype.name not in _AREAS)
    return [Annotated(areas, None, size, without_area(others, len(regions)))]


def has_regions(path: Path) -> bool:
    """Whether a zip file has a region, or is one of this package without any cell."""
    try:
        with ZipFile(path) as file:
            return b'"shape"' in file.comment or any(
                name.lower().endswith(".roi") for name in file.namelist()
            )
    except (BadZipFile, OSError):
        return False


def _region(name: str, region: ImagejRoi) -> Region:
    rings = [np.asarray(ring) for ring in region.coordinates(multi=True)]
    number = int(name) if name.isdecimal() and int(name) else None
    return Region([rings], number, f"group {region.group}" if region.group else None)


def _contents(path: Path) -> tuple[list[tuple[str, bytes]], Shape | None]:
    """Name and bytes of each region, and the image size if the file has it, as those of this package."""
    if path.suffix.lower() != ".zip":
        return [(path.stem, path.read_bytes())], None
    with ZipFile(path) as file:
        names = [name for name in file.namelist() if name.lower().endswith(".roi")]
        try:
            rows, columns = json.loads(file.comment)["shape"]
            shape = (int(rows), int(columns))
        except (ValueError, KeyError, TypeError):
            shape = None
        return [(Path(name).stem, file.read(name)) for name in names], shape
