"""Folders of images beside folders of masks, which most layouts have in common."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from cellseg_monai.data.layouts.samples import Annotation, Failure, Sample, Split
from cellseg_monai.data.readers.formats import read_label_map
from cellseg_monai.polygons import Shape

_IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp"})
_TCGA_BARCODE = re.compile(r"(TCGA-[0-9A-Z]{2}-[0-9A-Z]{4})(?![0-9A-Z])")


def images_in(folder: Path, nested: bool = False) -> list[Path]:
    """List the image files of a folder by name, without hidden files; empty if the folder does not exist.

    Args:
        folder: folder to search.
        nested: whether to search sub-folders as well.
    """
    return sorted(
        path
        for path in folder.glob("**/*" if nested else "*")
        if path.suffix.lower() in _IMAGE_SUFFIXES and not path.name.startswith(".")
    )


def read_annotation(path: Path, shape: Shape) -> Annotation:
    """Read the labels of an image from a label map.

    Args:
        path: file with the label map.
        shape: rows and columns of the image.
    """
    label_map = read_label_map(path)
    if label_map.shape != shape:
        raise ValueError(f"{path.name} has the shape {label_map.shape}, but the image has {shape}")
    return Annotation(label_map)


def paired(
    images: Sequence[Path],
    masks: Sequence[Path],
    annotate: Callable[[Path, Shape], Annotation] = read_annotation,
    *,
    split: Split = "training",
    prefix: str = "",
    group: Callable[[str], str | None] = lambda stem: None,
    key: Callable[[str], str] = str,
    complete: bool = True,
) -> Iterator[Sample | Failure]:
    """Pair images and masks by name, whatever their file types.

    A dataset without any mask is unlabelled. A mask without an image is a failure.

    Args:
        images: image files.
        masks: label files.
        annotate: function that returns the labels for a mask, and for rows and columns of the image.
        split: part of the dataset.
        prefix: prefix of the sample names.
        group: function that returns the group for the stem of an image.
        key: function that returns, for the stem of an image or a mask, the name that both share.
        complete: whether an image without a mask is a failure if there are masks, instead of unlabelled.
    """
    waiting: dict[str, list[Path]] = defaultdict(list)
    for mask in masks:
        waiting[key(mask.stem)].append(mask)
    for image in images:
        found = waiting.pop(key(image.stem), [])
        if len(found) > 1:
            yield Failure(image, f"has the masks {' and '.join(mask.name for mask in found)}; keep one")
        elif masks and complete and not found:
            yield Failure(image, f"has no mask in {masks[0].parent}; add the mask or remove the image")
        else:
            labels = partial(annotate, found[0]) if found else None
            yield Sample(prefix + image.stem, image, labels, split, group(image.stem))
    for orphans in waiting.values():
        yield from (Failure(mask, "has no image; add the image or remove the mask") for mask in orphans)


def tcga_patient(name: str) -> str | None:
    """Return the patient in a file name with a barcode of The Cancer Genome Atlas.

    Example:
        >>> tcga_patient("TCGA-A7-A13E-01Z-00-DX1")
        'TCGA-A7-A13E'
    """
    match = _TCGA_BARCODE.search(name)
    return match[1] if match else None
