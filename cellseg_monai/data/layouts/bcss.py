"""Breast Cancer Semantic Segmentation: regions of TCGA slides with a class for each pixel.

::

    masks/TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500.png                   8-bit class codes
    rgbs_colorNormalized/TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500.png    also rgbs/ or images/
    meta/gtruth_codes.tsv                                                       label, GT_code

or, cut to tiles of 224 × 224 pixels, as it goes round for teaching::

    BCSS/
        train/<tile>.png
        train_mask/<tile>.png       8-bit class codes
        val/, val_mask/, test/      test is often without masks

Code 0 lies outside the annotated region: it is not a class and must weigh nothing in training. The group is
the patient. The codes of the publication stand in for a missing ``gtruth_codes.tsv``.
"""

import csv
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from cellseg_monai.data.layouts.folders import images_in, paired, read_annotation
from cellseg_monai.data.layouts.samples import PARTS, Annotation, Failure, Layout, Sample
from cellseg_monai.data.layouts.tcga import patient
from cellseg_monai.polygons import Shape

PUBLISHED_CLASSES: Mapping[int, str] = dict(
    enumerate(
        (
            *("outside_roi", "tumor", "stroma", "lymphocytic_infiltrate", "necrosis_or_debris"),
            *("glandular_secretions", "blood", "exclude", "metaplasia_NOS", "fat", "plasma_cells"),
            *("other_immune_infiltrate", "mucoid_material", "normal_acinus_or_duct", "lymphatics"),
            *("undetermined", "nerve", "skin_adnexa", "blood_vessel", "angioinvasion", "dcis", "other"),
        )
    )
)
"""Names of the 22 codes, 0 to 21."""


def samples(source: Path) -> Iterator[Sample | Failure]:
    """Find the regions, which the publication leaves to the user to split, or else the tiles."""
    annotate = partial(annotate_classes, class_names(source))
    for folder in ("rgbs_colorNormalized", "rgbs", "images"):
        if images := images_in(source / folder):
            yield from paired(images, images_in(source / "masks"), annotate, group=patient)
            return
    yield from tiles(source, "BCSS", "{part}", "{part}_mask")


def tiles(source: Path, root: str, images: str, masks: str) -> Iterator[Sample | Failure]:
    """Find the tiles of the three parts; the group is the patient.

    Args:
        source: the folder of the parts, or the one above.
        root: name of the folder of the parts.
        images: name of the folder of images, with ``{part}`` for train, val or test.
        masks: likewise for the masks.
    """
    folder = source / root if (source / root).is_dir() else source
    for part, split in PARTS:
        yield from paired(
            images_in(folder / images.format(part=part)),
            images_in(folder / masks.format(part=part)),
            partial(annotate_classes, PUBLISHED_CLASSES),
            split=split,
            prefix=f"{part}_",
            group=patient,
        )


def class_names(source: Path) -> Mapping[int, str]:
    """Read the names of the codes from ``meta/gtruth_codes.tsv``, or else give the published ones."""
    path = source / "meta" / "gtruth_codes.tsv"
    if not path.is_file():
        return PUBLISHED_CLASSES
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    try:
        return {int(row["GT_code"]): row["label"] for row in rows}
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no table with the columns label and GT_code: {error!r}") from error


def annotate_classes(names: Mapping[int, str], path: Path, shape: Shape) -> Annotation:
    """Read a mask of class codes, refusing codes that have no name.

    Args:
        names: name of each code.
        path: the mask.
        shape: rows and columns of the image.
    """
    annotation = read_annotation(path, shape)
    unknown = sorted(set(np.unique(annotation.label_map).tolist()) - set(names))
    if unknown:
        raise ValueError(
            f"{path.name} holds the codes {unknown}, which have no name; expected {sorted(names)}"
        )
    return annotation


BCSS = Layout(
    description="BCSS: rgbs_colorNormalized/*.png with masks/*.png of class codes and meta/gtruth_codes.tsv",
    samples=samples,
    form=__doc__,
    licence="CC0-1.0",
    class_names=class_names,
)
