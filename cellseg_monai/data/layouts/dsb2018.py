"""Data Science Bowl 2018 (BBBC038): a folder for each image, one picture for each nucleus.

::

    stage1_train/
        <id>/images/<id>.png
        <id>/masks/*.png        8-bit, 0 or 255, one nucleus each
    stage1_test/
        <id>/images/<id>.png    masks only in the later release

The source is this folder or one of its stages; without stages all images are for training. Nuclei are
numbered in the order of their file names. They should not overlap; where they do the smaller lies on top.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from cellseg_monai.data.layouts.folders import images_in, read_annotation
from cellseg_monai.data.layouts.painting import paint
from cellseg_monai.data.layouts.samples import Annotation, Failure, Layout, Sample, Split
from cellseg_monai.polygons import Shape


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Find the folders that hold ``images`` or ``masks``."""
    stages = [path for path in sorted(source.glob("stage*")) if path.is_dir()] or [source]
    for stage in stages:
        split: Split = "test" if stage.name.startswith(("stage1_test", "stage2")) else "training"
        for folder in sorted(
            {path.parent for part in ("images", "masks") for path in stage.glob(f"*/{part}")}
        ):
            yield _sample(folder, split)


def _sample(folder: Path, split: Split) -> Sample | Failure:
    images, masks = images_in(folder / "images"), images_in(folder / "masks")
    if len(images) != 1:
        return Failure(folder / "images", f"holds {len(images)} images; the layout has one for each id")
    if not (folder / "masks").is_dir():
        return Sample(folder.name, images[0], None, split)
    if not masks:
        return Failure(folder / "masks", "is empty; take it away if the image is not annotated")
    return Sample(folder.name, images[0], partial(_annotate, masks), split)


def _annotate(masks: list[Path], shape: Shape) -> Annotation:
    nuclei = [(path.name, np.flatnonzero(read_annotation(path, shape).label_map)) for path in masks]
    return paint(nuclei, shape)


DSB2018 = Layout(
    description="Data Science Bowl 2018: <id>/images/<id>.png with one <id>/masks/*.png for each nucleus",
    samples=samples,
    form=__doc__,
    licence="CC0-1.0",
)
