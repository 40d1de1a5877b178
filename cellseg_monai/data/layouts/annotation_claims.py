"""What each file of annotations says: the image it belongs to, and how it becomes a label map."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cellseg_monai.annotations import Annotated, draw, read_annotations
from cellseg_monai.data.layouts import colour_masks
from cellseg_monai.data.layouts.annotation_files import CLASSES, OBJECTS, Found, key_of
from cellseg_monai.data.layouts.samples import Annotation, Failure
from cellseg_monai.data.layouts.seg_npy import read_seg_npy
from cellseg_monai.data.layouts.volumes import read_slicer, read_zarr_labels
from cellseg_monai.polygons import Shape

MANY_IMAGES = ("coco", "cvat")
"""Formats of which a file has the annotations of many images."""

_READERS = {"seg_npy": read_seg_npy, "slicer": read_slicer, "zarr": read_zarr_labels}


@dataclass(frozen=True)
class Claim:
    """Annotations that look for their image.

    Attributes:
        file: file of the annotations.
        kind: their kind.
        annotate: function that returns the labels for rows and columns of the image.
        names: names that the image may have, the likeliest first.
        empty: whether there is no object.
        notes: what the user should know.
    """

    file: Path
    kind: str
    annotate: Callable[[Shape], Annotation]
    names: tuple[str, ...]
    empty: bool = False
    notes: tuple[str, ...] = ()


def find_claims(found: Found) -> Iterator[Claim | Failure]:
    """Read the files of annotations; masks are read later, when their image is.

    Args:
        found: files of a folder.

    Yields:
        Annotations of an image, or a file that cannot be read.
    """
    masks = [path for kind, path in found.annotations if kind == "mask"]
    regions: defaultdict[Path, list[Path]] = defaultdict(list)
    images = {key_of(image.name) for image in found.images}
    for kind, path in found.annotations:
        if kind == "rois" and path.suffix.lower() == ".roi" and key_of(path.name) not in images:
            regions[path.parent].append(path)
        elif kind in _READERS:
            yield Claim(path, kind, partial(_READERS[kind], path), (path.name,))
        elif kind != "mask":
            yield from _outlines([path], kind)
    for folder, files in regions.items():
        yield from _outlines(files, "rois", folder)
    yield from _masks(masks)


def _outlines(files: Sequence[Path], kind: str, folder: Path | None = None) -> Iterator[Claim | Failure]:
    """Claims of a file of outlines; or of the files of single regions in a folder, which has their name."""
    path = folder or files[0]
    try:
        read = [one for file in files for one in read_annotations(file, kind)]
    except (ValueError, OSError) as error:
        yield Failure(path, str(error).removeprefix(f"{path}: "))
        return
    if folder:
        read = [Annotated([region for one in read for region in one.regions])]
    for one in read:
        own = () if kind in MANY_IMAGES else (path.name,)
        names = (one.image, *own) if one.image else own
        empty = not one.regions
        note = f"{path.name} has no objects for it, so it counts as an image without cells"
        notes = (note,) if empty else ()
        yield Claim(path, kind, partial(_draw, one), names, empty, notes)


def _draw(one: Annotated, shape: Shape) -> Annotation:
    if one.size not in (None, shape):
        raise ValueError(f"the annotations are for an image of size {one.size}, but the image has {shape}")
    drawn = draw(one.regions, shape)
    if one.regions and not drawn.label_map.any():
        raise ValueError(
            f"none of the {len(one.regions)} annotated objects has a pixel in the image of size {shape}; "
            "check that it is their image, and that their unit is the pixel"
        )
    pairs = zip(drawn.ids, one.regions, strict=True)
    classes = {number: region.kind for number, region in pairs if region.kind and number not in drawn.lost}
    return Annotation(drawn.label_map, classes=classes, notes=(*one.notes, *drawn.losses()))


def _masks(masks: Sequence[Path]) -> Iterator[Claim | Failure]:
    """Claims of masks; the two folders of CVAT are one annotation."""
    coloured: defaultdict[Path, list[Path]] = defaultdict(list)
    for path in masks:
        folder = path.parent.name
        beside = path.parent.with_name(CLASSES if folder == OBJECTS else OBJECTS) / path.name
        if folder == OBJECTS and beside.is_file():
            annotate = partial(colour_masks.read_objects_and_classes, path, beside)
        elif folder == CLASSES and beside.is_file():
            continue
        elif folder == CLASSES:
            annotate = partial(colour_masks.read_classes, path)
        else:
            try:
                if path.is_file() and colour_masks.is_coloured(path):
                    coloured[path.parent].append(path)
                    continue
            except ValueError as error:
                yield Failure(path, str(error).removeprefix(f"{path}: "))
                continue
            annotate = partial(colour_masks.read_ids, path)
        yield Claim(path, "mask", annotate, (path.name,))
    for files in coloured.values():
        together = colour_masks.ColourMasks(files)
        yield from (Claim(path, "mask", partial(together.annotate, path), (path.name,)) for path in files)
