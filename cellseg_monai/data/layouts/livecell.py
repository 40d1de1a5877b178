"""LIVECell: phase contrast of eight cell types, with objects in COCO files."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import Any

from cellseg_monai.data.layouts.painting import paint, segmentation_pixels
from cellseg_monai.data.layouts.samples import PARTS, Annotation, Failure, Sample, Split
from cellseg_monai.polygons import Shape

_FOLDERS = ("livecell_train_val_images", "livecell_test_images")
_NAME = re.compile(r"(?P<cell_type>[^_]+)_Phase_(?P<well>[A-Z]\d+)_")

Outlines = list[tuple[str, Any]]
"""Name and COCO segmentation of each object of an image."""


def samples(source: Path) -> Iterator[Sample | Failure]:
    """LIVECell: images/livecell_*_images with annotations/LIVECell/livecell_coco_*.json.

    ::

        images/
            livecell_train_val_images/A172/A172_Phase_C7_1_00d00h00m_1.tif      or without the A172 folder
            livecell_test_images/A172/…
        annotations/
            LIVECell/livecell_coco_train.json, livecell_coco_val.json, livecell_coco_test.json
            LIVECell_single_cells/a172/train.json, val.json, test.json          used if LIVECell/ is missing

    Images are named <cell type>_Phase_<well>_<position>_<time>_<crop>.tif. The modality is the cell type, and
    the group is the well, because crops and times of one well show the same cells. Where cells overlap, the
    smaller one is on top. Images that no COCO file lists are ignored.
    """
    for part, split in PARTS:
        whole, by_cell_type = f"livecell_coco_{part}.json", f"{part}.json"
        for file in sorted(source.rglob(whole)) or sorted(source.rglob(by_cell_type)):
            yield from _listed(source, file, split)


def _listed(source: Path, file: Path, split: Split) -> Iterator[Sample | Failure]:
    objects: defaultdict[Any, Outlines] = defaultdict(list)
    try:
        document = json.loads(file.read_bytes())
        annotations = document["annotations"]
        for item in annotations.values() if isinstance(annotations, dict) else annotations:
            objects[item["image_id"]].append((f"annotation {item['id']}", item["segmentation"]))
        images = [
            (str(record["file_name"]), (record["height"], record["width"]), objects.pop(record["id"], []))
            for record in document["images"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        yield Failure(file, f"is not a COCO annotation file: {error!r}")
        return
    for name, size, outlines in images:
        yield _sample(source, name, partial(_annotate, outlines, size), split)
    if objects:
        yield Failure(file, f"has objects of images that it does not list: {list(objects)[:5]}")


def _sample(source: Path, name: str, annotate: partial[Annotation], split: Split) -> Sample | Failure:
    if PureWindowsPath(name).name != name:  # handles both kinds of slash, and drives
        return Failure(Path(name), "is a path, but a COCO file may contain only plain file names")
    match = _NAME.match(name)
    cell_type, well = match.groups() if match else (None, None)
    places = [
        source / "images" / folder / below / name for folder in _FOLDERS for below in (cell_type or "", "")
    ]
    image = next((place for place in places if place.is_file()), None)
    if image is None:
        return Failure(Path(name), f"is listed in a COCO file, but is not in {' or '.join(_FOLDERS)}")
    group = f"{cell_type}_{well}" if match else None
    return Sample(image.stem, image, annotate, split, group, modality=cell_type)


def _annotate(outlines: Outlines, recorded: tuple[Any, Any], shape: Shape) -> Annotation:
    if recorded != shape:
        raise ValueError(f"the COCO file lists the size {recorded}, but the image has the size {shape}")
    return paint([(name, segmentation_pixels(outline, shape)) for name, outline in outlines], shape)
