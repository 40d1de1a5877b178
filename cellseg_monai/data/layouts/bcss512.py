"""BCSS cut to tiles of 512 × 512 pixels, as it goes round for teaching.

::

    BCSS_512/
        train_512/<tile>.png
        train_mask_512/<tile>.png       8-bit class codes, 0 to 21
        val_512/, val_mask_512/
        test_512/                       often without masks

The source is this folder or the one above. The codes are those of the BCSS layout, where code 0 lies
outside the annotated region. The group is the patient, if the name of the tile tells; look whether a
patient occurs on both sides of the split before trusting a score.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cellseg_monai.data.layouts.bcss import PUBLISHED_CLASSES, annotate_classes
from cellseg_monai.data.layouts.folders import images_in, paired
from cellseg_monai.data.layouts.samples import PARTS, Failure, Layout, Sample
from cellseg_monai.data.layouts.tcga import patient


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Find the tiles of the three parts; the group is the patient."""
    folder = source / "BCSS_512" if (source / "BCSS_512").is_dir() else source
    for part, split in PARTS:
        yield from paired(
            images_in(folder / f"{part}_512"),
            images_in(folder / f"{part}_mask_512"),
            partial(annotate_classes, PUBLISHED_CLASSES),
            split=split,
            prefix=f"{part}_",
            group=patient,
        )


BCSS512 = Layout(
    description="BCSS in tiles: train_512, train_mask_512, val_512, val_mask_512 of class codes",
    samples=samples,
    form=__doc__,
    licence="CC0-1.0",
    class_names=lambda source: PUBLISHED_CLASSES,
)
