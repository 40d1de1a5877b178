"""The habit of StarDist: parallel folders of images and label maps.

::

    train/images/a.tif      train/masks/a.tif
    val/images/b.tif        val/masks/b.tif         not always there
    test/images/c.tif       test/masks/c.tif

The file types of image and mask may differ. The new names carry the part, as one name may occur in several.
"""

from collections.abc import Iterator
from pathlib import Path

from cellseg_monai.data.layouts.folders import images_in, paired
from cellseg_monai.data.layouts.samples import PARTS, Failure, Layout, Sample


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Find the pairs of the three parts."""
    for part, split in PARTS:
        folder = source / part
        yield from paired(
            images_in(folder / "images"), images_in(folder / "masks"), split=split, prefix=f"{part}_"
        )


STARDIST = Layout(
    description="StarDist habit: train/images with train/masks, test/images with test/masks",
    samples=samples,
    form=__doc__,
)
