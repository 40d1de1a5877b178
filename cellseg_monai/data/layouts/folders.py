"""Folders of images beside folders of masks: the search that most layouts share."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from cellseg_monai.data.layouts.samples import Annotation, Failure, Sample, Split
from cellseg_monai.data.readers import read_label_map
from cellseg_monai.polygons import Shape

_IMAGE_SUFFIXES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp"})


def images_in(folder: Path, nested: bool = False) -> list[Path]:
    """List the image files of a folder in name order, without hidden ones; none if there is no such folder.

    Args:
        folder: where to look.
        nested: also look in the folders below.
    """
    found = folder.rglob("*") if nested else folder.glob("*")
    return sorted(
        path for path in found if path.suffix.lower() in _IMAGE_SUFFIXES and not path.name.startswith(".")
    )


def read_annotation(path: Path, shape: Shape) -> Annotation:
    """Read the labels of an image from a file that holds its label map.

    Args:
        path: file of ids.
        shape: rows and columns of the image.
    """
    label_map = read_label_map(path)
    if label_map.shape != shape:
        raise ValueError(f"the labels {path.name} are {label_map.shape}, the image {shape}; they must agree")
    return Annotation(label_map)


def paired(
    images: Sequence[Path],
    masks: Sequence[Path],
    annotate: Callable[[Path, Shape], Annotation] = read_annotation,
    *,
    split: Split = "training",
    prefix: str = "",
    mask_suffix: str = "",
    group: Callable[[str], str | None] | None = None,
) -> Iterator[Sample | Failure]:
    """Pair files by name: ``images/a.png`` with ``masks/a<mask_suffix>.tif``, whatever the file types.

    A set without any mask is unlabelled. Where there are masks, an image without one and a mask without an
    image are failures.

    Args:
        images: image files.
        masks: files of labels.
        annotate: gives the labels from a mask and the rows and columns of the image.
        split: part of the dataset.
        prefix: put before the stem of the image to name the sample.
        mask_suffix: what the stem of a mask has more than that of its image.
        group: gives the group from the stem of the image.
    """
    waiting: dict[str, list[Path]] = {}
    for mask in masks:
        waiting.setdefault(mask.stem, []).append(mask)
    for image in images:
        found = waiting.pop(image.stem + mask_suffix, [])
        if masks and len(found) != 1:
            names = " and ".join(mask.name for mask in found)
            remedy = f"has the masks {names}; keep one" if found else "has no mask"
            yield Failure(image, f"{remedy} ({image.stem}{mask_suffix}.* in {masks[0].parent})")
            continue
        yield Sample(
            name=prefix + image.stem,
            image=image,
            annotate=partial(annotate, found[0]) if found else None,
            split=split,
            group=group(image.stem) if group else None,
        )
    for orphans in waiting.values():
        yield from (Failure(mask, "belongs to no image; add the image or take it away") for mask in orphans)
