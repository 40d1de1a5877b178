"""Regions of interest of ImageJ and Fiji, a zip that their ROI Manager opens."""

import json
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

from cellseg_monai.export.objects import Objects, draw, logger, numbered
from cellseg_monai.export.outlining import Outline, outlines
from cellseg_monai.label_maps import as_label_map
from cellseg_monai.outputs import written_whole
from cellseg_monai.polygons import Shape

if TYPE_CHECKING:
    from roifile import ImagejRoi

_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0
_LARGEST_INTEGER = 32_767  # of 16 bits with a sign; what is larger is told by floats as well
_VERSION_WITH_FLOATS = 227
_AREAS = ("RECT", "OVAL", "POLYGON", "FREEHAND", "TRACED")


def write_rois(path: str | PathLike[str], label_map: npt.ArrayLike) -> None:
    """Write each object as a region named by its id; the regions hold exactly its pixels.

    An object in one piece without holes becomes a traced region, as the wand makes it; any other a composite.
    The zip also tells the size of the image, in its comment, which ImageJ neither reads nor keeps. Classes
    and measurements have no place in this format.

    Args:
        path: the file, ``.zip``.
        label_map: rows and columns.

    Raises:
        ModuleNotFoundError: roifile is not installed.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.zip"
        >>> write_rois(path, [[0, 5, 12]])
        >>> ZipFile(path).namelist()
        ['05.roi', '12.roi']
    """
    _roifile()
    ids = as_label_map(label_map)
    traced = outlines(ids)
    digits = len(str(traced[-1].id)) if traced else 1  # so that the names sort as the ids do
    with written_whole(path) as part, ZipFile(part, "w", ZIP_DEFLATED, compresslevel=1) as file:
        file.comment = json.dumps({"shape": ids.shape}).encode()
        for one in traced:
            name = f"{one.id:0{digits}}"
            entry = ZipInfo(f"{name}.roi")  # of a fixed date: the same objects are the same file
            entry.compress_type = ZIP_DEFLATED
            file.writestr(entry, _region(one, name).tobytes())


def read_rois(path: str | PathLike[str], shape: Shape | None = None) -> Objects:
    """Read a zip of regions, or a single one, as a label map.

    A pixel belongs to the region that its centre lies in. Lines and points have no pixels and are left out;
    that, regions whose name is no id, and pixels in several regions are told in the log.

    Args:
        path: ``.zip`` or ``.roi``, of :func:`write_rois`, of ImageJ or of Fiji.
        shape: rows and columns, where the file does not tell them (that of ImageJ does not).

    Returns:
        The label map; its table is empty.

    Raises:
        ValueError: it cannot be read, or it tells another shape.
        ModuleNotFoundError: roifile is not installed.

    Example:
        >>> import tempfile
        >>> path = f"{tempfile.mkdtemp()}/cells.zip"
        >>> write_rois(path, [[0, 5, 12]])
        >>> read_rois(path).label_map
        array([[ 0,  5, 12]], dtype=int32)
    """
    roifile = _roifile()
    regions: list[tuple[str, ImagejRoi]] = []
    stored = None
    try:
        for name, content in _entries(Path(path)):
            if name is None:
                stored = _shape(content)
            else:
                region = roifile.ImagejRoi.frombytes(content)
                regions.append((name, region))
        kept = [one for one in regions if one[1].roitype.name in _AREAS]
        rings = [[np.asarray(ring) for ring in region.coordinates(multi=True)] for _, region in kept]
        if stored is None and not regions:
            raise ValueError("it holds no region of ImageJ (.roi)")
    except (BadZipFile, ValueError, RuntimeError, NotImplementedError) as error:
        raise ValueError(f"{path}: cannot be read: {error}") from error
    if len(kept) < len(regions):
        logger.warning(
            "%s: %d of %d regions are lines or points and are left out",
            path,
            len(regions) - len(kept),
            len(regions),
        )
    ids = numbered(path, [int(name) if name.isdecimal() and int(name) else None for name, _ in kept])
    return Objects(draw(path, zip(ids, rings, strict=True), stored, shape))


def _roifile() -> Any:
    try:
        import roifile
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("regions of ImageJ need roifile: pip install roifile") from error
    return roifile


def _region(one: Outline, name: str) -> "ImagejRoi":
    roifile = _roifile()
    corners = np.concatenate(one.rings)
    low, high = corners.min(axis=0), corners.max(axis=0)
    region: ImagejRoi = roifile.ImagejRoi()
    region.name = name
    region.left, region.top = low.tolist()
    region.right, region.bottom = high.tolist()
    if len(one.rings) > 1:
        path = np.concatenate([_path(ring) for ring in one.rings])
        region.roitype = roifile.ROI_TYPE.RECT
        region.shape_roi_size = len(path)
        region.multi_coordinates = path
        return region
    region.roitype = roifile.ROI_TYPE.TRACED
    region.n_coordinates = len(corners)
    region.integer_coordinates = corners - low
    if high.max() > _LARGEST_INTEGER:
        region.version = _VERSION_WITH_FLOATS
        region.options |= roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
        region.subpixel_coordinates = corners.astype(np.float32)
    return region


def _path(ring: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """A ring in the language of Java's paths."""
    steps = np.full((len(ring), 3), _LINE, np.float32)
    steps[0, 0] = _MOVE
    steps[:, 1:] = ring
    return np.append(steps.ravel(), np.float32(_CLOSE))


def _entries(path: Path) -> Sequence[tuple[str | None, bytes]]:
    """Name and bytes of each region, and the comment of the zip without a name."""
    if path.suffix.lower() != ".zip":
        return [(path.stem, path.read_bytes())]
    with ZipFile(path) as file:
        names = [name for name in file.namelist() if name.lower().endswith(".roi")]
        return [(None, file.comment), *((Path(name).stem, file.read(name)) for name in names)]


def _shape(comment: bytes) -> Shape | None:
    try:
        rows, columns = json.loads(comment)["shape"]
    except (ValueError, KeyError, TypeError):
        return None
    return int(rows), int(columns)
