"""Datasets in the folders of two tools: Cellpose and StarDist."""

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from cellseg_monai.data.layouts.folders import images_in, paired
from cellseg_monai.data.layouts.samples import PARTS, Failure, Sample, Split
from cellseg_monai.data.layouts.seg_npy import ENDING, read_seg_npy

_MASKS = re.compile(r"(.+?)(_cp)?_masks")
_RESULTS = re.compile(r".+_(flows(_\d+)?|dP|cellprob|cp_output|outlines(_cp)?)")


def is_result(path: Path) -> bool:
    """Whether a file is a picture of a result of Cellpose, neither an image nor a mask.

    Example:
        >>> is_result(Path("x_flows.tif")), is_result(Path("x.tif"))
        (True, False)
    """
    return _RESULTS.fullmatch(path.stem) is not None


def cellpose(source: Path) -> Iterator[Sample | Failure]:
    """Cellpose: x.tif with x_masks.tif or x_cp_masks.png, 000_img.png with 000_masks.png.

    ::

        x.tif           x_masks.tif             saved with the masks
        x.tif           x_cp_masks.png          written by the program
        000_img.png     000_masks.png           the published training set

    The images are in the source itself, or in ``train``, ``val`` and ``test`` below it. An image without
    masks is unlabelled. Flows, outlines and pictures of results are ignored. ``x_seg.npy`` of the graphical
    interface is read if there are no other masks. It is a Python pickle, which can run any code when opened,
    so nothing but arrays and plain values is read from it.
    """
    parts = [(part, split) for part, split in PARTS if (source / part).is_dir()]
    if not parts:
        yield from _pairs(source, "", "training")
    for part, split in parts:
        yield from _pairs(source / part, f"{part}_", split)


def _pairs(folder: Path, prefix: str, split: Split) -> Iterator[Sample | Failure]:
    files = images_in(folder)
    masks = [path for path in files if _MASKS.fullmatch(path.stem)]
    images = [path for path in files if path not in set(masks) and not is_result(path)]
    for found in paired(images, masks, split=split, prefix=prefix, key=_shared_name, complete=False):
        if isinstance(found, Sample) and not found.annotate and _pickle(found.image).exists():
            found = replace(found, annotate=partial(read_seg_npy, _pickle(found.image)))
        yield found


def _pickle(image: Path) -> Path:
    return image.with_name(f"{image.stem}{ENDING}")


def _shared_name(stem: str) -> str:
    match = _MASKS.fullmatch(stem)
    return (match[1] if match else stem).removesuffix("_img")


def stardist(source: Path) -> Iterator[Sample | Failure]:
    """StarDist: train/images with train/masks, test/images with test/masks.

    ::

        train/images/a.tif      train/masks/a.tif
        val/images/b.tif        val/masks/b.tif         optional
        test/images/c.tif       test/masks/c.tif

    Image and mask may have different file types. The new names contain the part, because a name may occur in
    several parts.
    """
    for part, split in PARTS:
        images, masks = (images_in(source / part / folder) for folder in ("images", "masks"))
        yield from paired(images, masks, split=split, prefix=f"{part}_")
