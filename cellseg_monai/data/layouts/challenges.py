"""Datasets of two challenges: Data Science Bowl 2018 and NeurIPS 2022 Cell Segmentation."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from cellseg_monai.data.layouts.folders import images_in, paired, read_annotation
from cellseg_monai.data.layouts.painting import paint
from cellseg_monai.data.layouts.samples import Annotation, Failure, Sample, Split
from cellseg_monai.polygons import Shape

_NEURIPS_PARTS: tuple[tuple[str, str, Split], ...] = (
    ("Training-labeled/images", "Training-labeled/labels", "training"),
    ("Tuning/images", "Tuning/labels", "validation"),
    ("Testing/Public/images", "Testing/Public/labels", "test"),
    ("Testing/Public/WSI", "Testing/Public/WSI-labels", "test"),
)


def dsb2018(source: Path) -> Iterator[Sample | Failure]:
    """Data Science Bowl 2018: <id>/images/<id>.png with one <id>/masks/*.png for each nucleus.

    ::

        stage1_train/
            <id>/images/<id>.png
            <id>/masks/*.png        8-bit, 0 or 255, one nucleus each
        stage1_test/
            <id>/images/<id>.png    masks only in the later release

    The source is this folder or one of its stages; without stages all images are training images. Nuclei are
    numbered in the order of their file names. They should not overlap; if they do, the smaller one is on top.
    """
    stages = [path for path in sorted(source.glob("stage*")) if path.is_dir()] or [source]
    for stage in stages:
        split: Split = "test" if stage.name.startswith(("stage1_test", "stage2")) else "training"
        folders = {path.parent for part in ("images", "masks") for path in stage.glob(f"*/{part}")}
        yield from (_sample(folder, split) for folder in sorted(folders))


def _sample(folder: Path, split: Split) -> Sample | Failure:
    images, masks = images_in(folder / "images"), images_in(folder / "masks")
    if len(images) != 1:
        return Failure(folder / "images", f"has {len(images)} images; the layout has one per folder")
    if not (folder / "masks").is_dir():
        return Sample(folder.name, images[0], None, split)
    if not masks:
        return Failure(folder / "masks", "is empty; remove it if the image is unlabelled")
    return Sample(folder.name, images[0], partial(_annotate, masks), split)


def _annotate(masks: list[Path], shape: Shape) -> Annotation:
    nuclei = [(path.name, np.flatnonzero(read_annotation(path, shape).label_map)) for path in masks]
    return paint(nuclei, shape)


def neurips_cellseg(source: Path) -> Iterator[Sample | Failure]:
    """NeurIPS 2022 CellSeg: Training-labeled, Training-unlabeled, Tuning with *_label.tiff.

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

    Each part numbers its files from 1, so the new names contain the part: ``training_cell_00001``.
    """
    for images, labels, split in _NEURIPS_PARTS:
        yield from paired(
            images_in(source / images),
            images_in(source / labels),
            split=split,
            prefix=f"{split}_",
            key=lambda stem: stem.removesuffix("_label"),
        )
    for folder in sorted(source.glob("*")):
        if "unlabel" in folder.name.lower() or folder.name == "release-part1":
            for image in images_in(folder, nested=True):
                place = image.relative_to(source).with_suffix("")
                yield Sample("_".join(place.parts), image)
