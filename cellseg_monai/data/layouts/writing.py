"""Writing the samples of an import, and what they have in common: classes, conflicts, notes."""

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt
import tifffile

from cellseg_monai.data.layouts.samples import Annotation, Conflict, Sample
from cellseg_monai.data.pairing import stem
from cellseg_monai.label_maps import cast, smallest_dtype
from cellseg_monai.outputs import written_whole


def names_of(sample: Sample) -> tuple[str, str, str]:
    """Return the names of the new image, its labels and their classes."""
    suffix = sample.image.name[len(stem(sample.image)) :]
    return f"images/{sample.name}{suffix}", f"labels/{sample.name}.tif", f"classes/{sample.name}.tif"


class Writer:
    """Writes samples one by one, and collects what their annotations say.

    Args:
        destination: folder of the new dataset.

    Attributes:
        class_codes: code of each class of objects, in the order of their occurrence.
        conflicts: images with overlapping or lost objects.
        notes: what was changed or lost, with the names of the images.
        objects: number of objects.
        origins: number of images by the format of their annotations.
        values: values in the label maps.
    """

    def __init__(self, destination: Path) -> None:
        self.destination = destination
        self.class_codes: dict[str, int] = {}
        self.conflicts: list[Conflict] = []
        self.notes: list[str] = []
        self.objects = 0
        self.origins: Counter[str] = Counter()
        self.values: set[int] = set()

    def write(self, sample: Sample, annotation: Annotation | None) -> dict[str, str]:
        """Write an image with its labels and classes, and return its entry in the list of the dataset."""
        image, label, class_map = names_of(sample)
        copy_whole(sample.image, self.destination / image)
        item = {"image": image, "label": None, "group": sample.group, "modality": sample.modality}
        if annotation:
            item["label"] = label
            _write_map(self.destination / label, annotation.label_map)
            self._collect(sample, annotation)
        if annotation and annotation.classes:
            item["class_map"] = class_map
            _write_map(self.destination / class_map, self._classes(annotation))
        return {key: value for key, value in item.items() if value}

    def _collect(self, sample: Sample, annotation: Annotation) -> None:
        values = fastremap.unique(annotation.label_map).tolist()
        if sample.origin:
            self.origins[sample.origin] += 1
        self.objects += len(values) - (0 in values)
        self.values.update(values)
        self.notes += [f"{sample.name}: {note}" for note in (*sample.notes, *annotation.notes)]
        if annotation.contested_pixels or annotation.lost_objects:
            conflict = Conflict(sample.name, annotation.contested_pixels, annotation.lost_objects)
            self.conflicts.append(conflict)

    def _classes(self, annotation: Annotation) -> npt.NDArray[Any]:
        """Code of the class of each pixel; new classes get the code after the highest."""
        code_of = np.zeros(max(int(annotation.label_map.max()), *annotation.classes) + 1, np.int32)
        for number, name in annotation.classes.items():
            code_of[number] = self.class_codes.setdefault(name, len(self.class_codes) + 1)
        codes = code_of[annotation.label_map]
        return cast(codes, smallest_dtype(int(codes.max())))


def copy_whole(source: Path, destination: Path) -> None:
    """Copy a file, or a folder of OME-Zarr."""
    with written_whole(destination) as part:
        if source.is_dir():
            shutil.copytree(source, part)
        else:
            shutil.copyfile(source, part)


def _write_map(path: Path, pixels: npt.NDArray[Any]) -> None:
    with written_whole(path) as part:
        tifffile.imwrite(part, pixels, compression="zlib", photometric="minisblack")
