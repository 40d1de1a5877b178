"""NeurIPS 2022 Cell Segmentation Challenge: labelled patches and many unlabelled images.

::

    Training-labeled/
        images/cell_00001.bmp           any of bmp, png, tif, tiff, jpg
        labels/cell_00001_label.tiff
    Training-unlabeled/**               also train-unlabeled-part1, train-unlabeled-part2, release-part1
    Tuning/
        images/cell_00001.png
        labels/cell_00001_label.tiff
    Testing/Public/
        images/, labels/
        WSI/, WSI-labels/               whole slides

File names begin anew in each part, so the new names carry the part: ``training_cell_00001``.
"""

from collections.abc import Iterator
from pathlib import Path

from cellseg_monai.data.layouts.folders import images_in, paired
from cellseg_monai.data.layouts.samples import Failure, Layout, Sample, Split

_PARTS: tuple[tuple[str, str, str, Split], ...] = (
    ("Training-labeled", "images", "labels", "training"),
    ("Tuning", "images", "labels", "validation"),
    ("Testing/Public", "images", "labels", "test"),
    ("Testing/Public", "WSI", "WSI-labels", "test"),
)


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Find the labelled parts, then the images of unlabelled folders at any depth."""
    for part, images, labels, split in _PARTS:
        yield from paired(
            images_in(source / part / images),
            images_in(source / part / labels),
            split=split,
            prefix=f"{split}_",
            mask_suffix="_label",
        )
    for folder in sorted(source.glob("*")):
        if "unlabel" in folder.name.lower() or folder.name == "release-part1":
            for image in images_in(folder, nested=True):
                place = image.relative_to(source).with_suffix("")
                yield Sample("_".join(place.parts), image)


NEURIPS_CELLSEG = Layout(
    description="NeurIPS 2022 CellSeg: Training-labeled, Training-unlabeled, Tuning with *_label.tiff",
    samples=samples,
    form=__doc__,
    licence="CC-BY-NC-ND-4.0",
)
