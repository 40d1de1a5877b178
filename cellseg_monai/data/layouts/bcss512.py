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
from pathlib import Path

from cellseg_monai.data.layouts.bcss import PUBLISHED_CLASSES, tiles
from cellseg_monai.data.layouts.samples import Failure, Layout, Sample


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Find the tiles of the three parts; the group is the patient."""
    return tiles(source, "BCSS_512", "{part}_512", "{part}_mask_512")


BCSS512 = Layout(
    description="BCSS in tiles: train_512, train_mask_512, val_512, val_mask_512 of class codes",
    samples=samples,
    form=__doc__,
    licence="CC0-1.0",
    class_names=lambda source: PUBLISHED_CLASSES,
)
