"""Regions of interest of ImageJ and Fiji: a zip file for their ROI Manager."""

import json
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt
from roifile import ROI_OPTIONS, ROI_TYPE, ImagejRoi

from cellseg_monai.export.objects import Objects, draw, numbered, warn
from cellseg_monai.export.outlining import Outline, outlines
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.outputs import StrPath, written_whole
from cellseg_monai.polygons import Shape

_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0
_LARGEST_INTEGER = 32_767  # signed 16 bits; larger coordinates are stored as floats as well
_VERSION_WITH_FLOATS = 227
_AREAS = ("RECT", "OVAL", "POLYGON", "FREEHAND", "TRACED")


def write_rois(path: StrPath, label_map: npt.ArrayLike) -> None:
    """Write each object as a region named after its id; the regions contain exactly its pixels.

    An object in one piece without holes becomes a traced region, as the wand tool makes it; any other object
    becomes a composite. The comment of the zip file holds the image size, which ImageJ neither reads nor
    keeps. The format does not store classes or measurements.

    Args:
        path: file to write, ``.zip``.
        label_map: label map of one plane.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.zip"
        >>> write_rois(path, [[0, 5, 12]])
        >>> ZipFile(path).namelist()
        ['05.roi', '12.roi']
    """
    ids = as_label_map(label_map)
    traced = outlines(ids)
    digits = len(str(traced[-1].id)) if traced else 1  # zero-padded, so that names sort like ids
    with written_whole(path) as part, ZipFile(part, "w", ZIP_DEFLATED, compresslevel=1) as file:
        file.comment = json.dumps({"shape": ids.shape}).encode()
        for one in traced:
            name = f"{one.id:0{digits}}"
            entry = ZipInfo(f"{name}.roi")  # has a fixed date: the same objects give the same file
            entry.compress_type = ZIP_DEFLATED
            file.writestr(entry, _region(one, name).tobytes())


def read_rois(path: StrPath, shape: Shape | None = None) -> Objects:
    """Read a zip file of regions, or a single region, as a label map.

    A pixel belongs to the region that contains its centre. Lines and points have no pixels and are skipped;
    these, regions whose name is not an id, and pixels in several regions are reported in the log.

    Args:
        path: ``.zip`` or ``.roi`` file from :func:`write_rois`, ImageJ or Fiji.
        shape: rows and columns, needed if the file does not contain them (ImageJ's files do not).

    Returns:
        The label map, with an empty table.

    Raises:
        ValueError: the file cannot be read, or is for an image with another shape.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.zip"
        >>> write_rois(path, [[0, 5, 12]])
        >>> read_rois(path).label_map
        array([[ 0,  5, 12]], dtype=int32)
    """
    try:
        contents, stored = _contents(Path(path))
        regions = [(name, ImagejRoi.frombytes(content)) for name, content in contents]
        kept = [(name, region) for name, region in regions if region.roitype.name in _AREAS]
        rings = [[np.asarray(ring) for ring in region.coordinates(multi=True)] for _, region in kept]
        if stored is None and not regions:
            raise ValueError("it contains no ImageJ region (.roi)")
    except (BadZipFile, ValueError, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    warn(path, len(regions) - len(kept), f"of {len(regions)} regions are lines or points and are skipped")
    ids = numbered(path, [int(name) if name.isdecimal() and int(name) else None for name, _ in kept])
    return Objects(draw(path, zip(ids, rings, strict=True), stored, shape))


def _region(one: Outline, name: str) -> ImagejRoi:
    corners = np.concatenate(one.rings)
    low, high = corners.min(axis=0), corners.max(axis=0)
    region = ImagejRoi()
    region.name = name
    region.left, region.top = low.tolist()
    region.right, region.bottom = high.tolist()
    if len(one.rings) > 1:
        path = np.concatenate([_path(ring) for ring in one.rings])
        region.roitype = ROI_TYPE.RECT
        region.shape_roi_size = len(path)
        region.multi_coordinates = path
        return region
    region.roitype = ROI_TYPE.TRACED
    region.n_coordinates = len(corners)
    region.integer_coordinates = corners - low
    if high.max() > _LARGEST_INTEGER:
        region.version = _VERSION_WITH_FLOATS
        region.options |= ROI_OPTIONS.SUB_PIXEL_RESOLUTION
        region.subpixel_coordinates = corners.astype(np.float32)
    return region


def _path(ring: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """A ring as a path of Java's AWT: an operation and a point for each corner."""
    steps = np.full((len(ring), 3), _LINE, np.float32)
    steps[0, 0] = _MOVE
    steps[:, 1:] = ring
    return np.append(steps.ravel(), np.float32(_CLOSE))


def _contents(path: Path) -> tuple[list[tuple[str, bytes]], Shape | None]:
    """Name and bytes of each region, and the image size if the file has it."""
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
