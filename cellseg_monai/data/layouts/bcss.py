"""Breast Cancer Semantic Segmentation: regions of TCGA slides with a class for each pixel."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from cellseg_monai.data.layouts.folders import images_in, paired, read_annotation, tcga_patient
from cellseg_monai.data.layouts.samples import PARTS, Annotation, Failure, Sample
from cellseg_monai.polygons import Shape

_NAMES = """
    outside_roi tumor stroma lymphocytic_infiltrate necrosis_or_debris glandular_secretions blood exclude
    metaplasia_NOS fat plasma_cells other_immune_infiltrate mucoid_material normal_acinus_or_duct lymphatics
    undetermined nerve skin_adnexa blood_vessel angioinvasion dcis other
"""
OUTSIDE = 0
"""Code of pixels outside the annotated region."""
PUBLISHED_CLASSES: Mapping[int, str] = dict(enumerate(_NAMES.split()))
"""Names of the 22 codes, 0 to 21."""


def samples(source: Path) -> Iterator[Sample | Failure]:
    """BCSS: rgbs_colorNormalized/*.png with masks/*.png of class codes and meta/gtruth_codes.tsv.

    ::

        masks/TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500.png                   8-bit class codes
        rgbs_colorNormalized/TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500.png    or rgbs/ or images/
        meta/gtruth_codes.tsv                                                       label, GT_code

    or, as tiles of 224 × 224 pixels, which are common in courses::

        BCSS/
            train/<tile>.png
            train_mask/<tile>.png       8-bit class codes
            val/, val_mask/, test/      test often has no masks

    Code 0 is outside the annotated region: it is not a class and must not count. Train and score with
    ``--classes 0=ignore 1=1 2=2`` and so on for all codes; the import prints this option. ``0=0`` makes it a
    class. The group is the patient. The published codes are used if ``gtruth_codes.tsv`` is missing.
    """
    annotate = partial(annotate_classes, class_names(source))
    for folder in ("rgbs_colorNormalized", "rgbs", "images"):
        if images := images_in(source / folder):
            yield from paired(images, images_in(source / "masks"), annotate, group=tcga_patient)
            return
    yield from _tiles(source, "BCSS", "")


def samples_512(source: Path) -> Iterator[Sample | Failure]:
    """BCSS in tiles: train_512, train_mask_512, val_512, val_mask_512 of class codes.

    ::

        BCSS_512/
            train_512/<tile>.png
            train_mask_512/<tile>.png       8-bit class codes, 0 to 21
            val_512/, val_mask_512/
            test_512/                       often without masks

    The source is this folder or its parent. The codes are those of the BCSS layout, where code 0 is outside
    the annotated region. The group is the patient, if the tile name contains it. Check whether a patient is
    on both sides of the split before you trust a score.
    """
    return _tiles(source, "BCSS_512", "_512")


def _tiles(source: Path, root: str, ending: str) -> Iterator[Sample | Failure]:
    folder = source / root if (source / root).is_dir() else source
    for part, split in PARTS:
        yield from paired(
            images_in(folder / f"{part}{ending}"),
            images_in(folder / f"{part}_mask{ending}"),
            partial(annotate_classes, PUBLISHED_CLASSES),
            split=split,
            prefix=f"{part}_",
            group=tcga_patient,
        )


def class_names(source: Path) -> Mapping[int, str]:
    """Read the names of the codes from ``meta/gtruth_codes.tsv``, or return the published names."""
    path = source / "meta" / "gtruth_codes.tsv"
    if not path.is_file():
        return PUBLISHED_CLASSES
    try:
        table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
        return dict(zip(table["GT_code"].astype(int).tolist(), table["label"], strict=True))
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{path} must be a table with the columns label and GT_code (whole numbers): {error!r}"
        ) from error


def annotate_classes(names: Mapping[int, str], path: Path, shape: Shape) -> Annotation:
    """Read a mask of class codes; raise if a code has no name.

    Args:
        names: name of each code.
        path: mask file.
        shape: rows and columns of the image.
    """
    annotation = read_annotation(path, shape)
    unknown = sorted(set(np.unique(annotation.label_map).tolist()) - set(names))
    if unknown:
        raise ValueError(f"{path.name} has the codes {unknown}, which have no name; expected {sorted(names)}")
    return annotation
