"""The files of a folder sorted into images, files of annotations, and files that are neither."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cellseg_monai.annotations import FORMATS, format_of
from cellseg_monai.data.layouts.seg_npy import ENDING as SEG_NPY
from cellseg_monai.data.layouts.tools import is_result
from cellseg_monai.data.layouts.volumes import zarr_labels
from cellseg_monai.data.pairing import MASK_FOLDERS, SLICER, is_mask_name
from cellseg_monai.data.readers.formats import SUFFIXES
from cellseg_monai.data.readers.microscopes import advice_for
from cellseg_monai.outputs import written_in

OBJECTS, CLASSES = "SegmentationObject", "SegmentationClass"
"""Folders of the segmentation masks of CVAT."""

_MASK_PARENTS = frozenset({*MASK_FOLDERS, OBJECTS.lower(), CLASSES.lower()})
_SUSPECTS = (".json", ".geojson", ".csv", ".xml", ".zip", ".roi", ".npy", ".qpdata", ".ilp", ".h5", ".mat")
_TITLES = {
    "seg_npy": "Cellpose",
    "slicer": "3D Slicer",
    "zarr": "OME-Zarr labels",
    "mask": "masks",
    **{name: one.title for name, one in FORMATS.items()},
}


@dataclass
class Found:
    """The files of a folder.

    Attributes:
        images: images.
        annotations: files of annotations with their kinds: a name of ``FORMATS``, ``mask``, ``zarr``,
            ``slicer`` or ``seg_npy``.
        failures: files that cannot be used, with the reason.
        ignored: files that might hold annotations, but hold none in a known format.
    """

    images: list[Path] = field(default_factory=list)
    annotations: list[tuple[str, Path]] = field(default_factory=list)
    failures: list[tuple[Path, str]] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)


def title_of(kind: str) -> str:
    """Return the name of a kind of annotations for people.

    Example:
        >>> title_of("rois"), title_of("slicer")
        ('ImageJ regions', '3D Slicer')
    """
    return _TITLES[kind]


def find_annotations(source: Path) -> Found:
    """Sort the files of a folder and its sub-folders.

    Args:
        source: folder to search.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> for name in ("a.tif", "a_mask.tif", "a_seg.npy", "b.roi"):
        ...     (folder / name).touch()
        >>> [(kind, path.name) for kind, path in find_annotations(folder).annotations]
        [('mask', 'a_mask.tif'), ('seg_npy', 'a_seg.npy'), ('rois', 'b.roi')]
    """
    found = Found()
    for path in _walk(source):
        name = path.name.lower()
        try:
            kind = _kind(path, source)
        except (ValueError, OSError) as error:
            found.failures.append((path, str(error).removeprefix(f"{path}: ")))
            continue
        if kind is not None:
            found.annotations.append((kind, path))
        if kind in (None, "zarr") and name.endswith(SUFFIXES) and not is_result(path):
            found.images.append(path)
        elif kind is None and name.endswith(".zip"):
            found.failures.append((path, "is a zip file without regions of ImageJ; unpack it here"))
        elif kind is None and (advice := advice_for(path)):
            found.failures.append((path, advice))
        elif kind is None and name.endswith(_SUSPECTS) and name != "dataset.json":
            found.ignored.append(path)
    return found


def annotation_kind(path: Path) -> str | None:
    """Return the kind of a file of outlines, or of one that only its ending tells.

    Raises:
        ValueError: a JSON file is damaged.
    """
    name = path.name.lower()
    if name.endswith(SEG_NPY):
        return "seg_npy"
    if name.endswith(SLICER):
        return "slicer"
    return format_of(path) if name.endswith(_SUSPECTS) else None


def _kind(path: Path, source: Path) -> str | None:
    found = annotation_kind(path)
    if found is not None:
        return found
    name = path.name.lower()
    if not name.endswith(SUFFIXES) or is_result(path):
        return None
    parents = {part.lower() for part in path.parent.relative_to(source).parts}
    if parents & _MASK_PARENTS or is_mask_name(path):
        return "mask"
    return "zarr" if path.is_dir() and zarr_labels(path) else None


def _walk(source: Path) -> Iterator[Path]:
    """Files, and folders of OME-Zarr, without hidden ones and those of earlier imports, by name."""
    for parent, folders, files in os.walk(source):
        zarrs = [name for name in folders if name.lower().endswith(".zarr")]
        kept = (name for name in folders if name not in zarrs and not name.startswith("."))
        folders[:] = sorted(name for name in kept if not _is_import(Path(parent, name)))
        yield from sorted(Path(parent, name) for name in (*files, *zarrs) if not name.startswith("."))


def _is_import(folder: Path) -> bool:
    return any(entry.work == "import" for entry in written_in(folder).values())


_ENDINGS = re.compile(
    r"^RoiSet[_-]|[_-](?:RoiSet|rois?|shapes|annotations?|seg|segmentation|cp_masks|masks?|labels?|image|img)$",
    re.IGNORECASE,
)


def key_of(name: str) -> str:
    """Return what the names of an image and of its annotations have in common.

    Example:
        >>> [key_of(name) for name in ("a.ome.tif", "a.tif.geojson", "a_RoiSet.zip", "day1/A_seg.npy")]
        ['a', 'a', 'a', 'a']
    """
    return _ENDINGS.sub("", bare_name(name))


def bare_name(name: str) -> str:
    r"""Return the name of a file without folder and suffixes, in lower case.

    Example:
        >>> bare_name("day1\\A_roi.ome.tif")
        'a_roi'
    """
    name = name.replace("\\", "/").rpartition("/")[2].casefold()
    for ending in (SLICER, *_SUSPECTS, *sorted(SUFFIXES, key=len, reverse=True), ".ome"):
        name = name.removesuffix(ending)
    return name
