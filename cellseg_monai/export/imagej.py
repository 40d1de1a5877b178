"""Regions of interest of ImageJ and Fiji: a zip file for their ROI Manager."""

import json
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt
from roifile import ROI_OPTIONS, ROI_TYPE, ImagejRoi

from cellseg_monai.annotations import read_annotations
from cellseg_monai.export.objects import Objects, objects_of
from cellseg_monai.export.outlining import Outline, outlines
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.outputs import StrPath, written_whole
from cellseg_monai.polygons import Shape

_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0
_LARGEST_INTEGER = 32_767  # signed 16 bits; larger coordinates are stored as floats as well
_VERSION_WITH_FLOATS = 227


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
        The label map; the groups of ImageJ are the classes.

    Raises:
        ValueError: the file cannot be read, or is for an image with another shape.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.zip"
        >>> write_rois(path, [[0, 5, 12]])
        >>> read_rois(path).label_map
        array([[ 0,  5, 12]], dtype=int32)
    """
    (annotated,) = read_annotations(path, "rois")
    return objects_of(path, annotated, shape)


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
