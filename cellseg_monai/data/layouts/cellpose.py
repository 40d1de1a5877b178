"""The habit of Cellpose: label maps beside their images.

::

    x.tif           x_masks.tif             saved with the masks
    x.tif           x_cp_masks.png          written by the program
    000_img.png     000_masks.png           the published training set

The images lie in the source itself, or in ``train``, ``val`` and ``test`` below it. An image without masks
is unlabelled. Flows, outlines and the pictures of results are passed over. ``x_seg.npy`` of the graphical
interface is a Python pickle, which could run any code when opened: it is never read, and an image that has
nothing else is a failure.
"""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cellseg_monai.data.layouts.folders import images_in, read_annotation
from cellseg_monai.data.layouts.samples import PARTS, Failure, Layout, Sample, Split

_MASKS = re.compile(r"(?P<image>.+?)(_cp)?_masks")
_RESULTS = re.compile(r".+_(flows(_\d+)?|dP|cellprob|cp_output|outlines(_cp)?)")


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Find the pairs of each part, or of the source if it has no parts."""
    parts = [(part, split) for part, split in PARTS if (source / part).is_dir()]
    if not parts:
        yield from _pairs(source, "", "training")
    for part, split in parts:
        yield from _pairs(source / part, f"{part}_", split)


def _pairs(folder: Path, prefix: str, split: Split) -> Iterator[Sample | Failure]:
    images, masks = [], dict[str, list[Path]]()
    for path in images_in(folder):
        if match := _MASKS.fullmatch(path.stem):
            masks.setdefault(match["image"].removesuffix("_img"), []).append(path)
        elif not _RESULTS.fullmatch(path.stem):
            images.append(path)
    for image in images:
        found = masks.pop(image.stem.removesuffix("_img"), [])
        if len(found) > 1:
            yield Failure(image, f"has the masks {' and '.join(mask.name for mask in found)}; keep one")
        elif not found and image.with_name(f"{image.stem}_seg.npy").exists():
            yield Failure(
                image,
                f"its masks are in {image.stem}_seg.npy, a pickle that may run any code and is not opened; "
                "open the image in the Cellpose interface and save the masks as PNG or TIFF (File menu)",
            )
        else:
            annotate = partial(read_annotation, found[0]) if found else None
            yield Sample(prefix + image.stem, image, annotate, split)
    for orphans in masks.values():
        yield from (Failure(mask, "belongs to no image; add the image or take it away") for mask in orphans)


CELLPOSE = Layout(
    description="Cellpose habit: x.tif with x_masks.tif or x_cp_masks.png, 000_img.png with 000_masks.png",
    samples=samples,
    form=__doc__,
)
