"""Records of an import: what a layout finds, and the report on it."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from cellseg_monai.label_maps import LabelMap
from cellseg_monai.outputs.counting import counted
from cellseg_monai.polygons import Shape

_NOTES_SHOWN = 20

Split = Literal["training", "validation", "test"]

PARTS: tuple[tuple[str, Split], ...] = (("train", "training"), ("val", "validation"), ("test", "test"))
"""Splits by the short names that folders and files use."""


@dataclass(frozen=True)
class Annotation:
    """The label map of one image, and what was lost while drawing it.

    Attributes:
        label_map: objects or classes of the image.
        contested_pixels: number of pixels that more than one object covers.
        lost_objects: objects without any pixel left, by their names in the annotation file.
        classes: name of the class by id, for objects that have one.
        notes: what else a reader of the dataset should know, in words.
    """

    label_map: LabelMap
    contested_pixels: int = 0
    lost_objects: tuple[str, ...] = ()
    classes: Mapping[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One image and a function that reads its labels.

    Attributes:
        name: unique name of the image in the new dataset, without suffix.
        image: image file, which is copied unchanged.
        annotate: function that returns the labels for rows and columns of the image, or None if the image is
            unlabelled. It is called late, so that one bad file does not stop the others.
        split: part of the dataset that the publisher put the image in.
        group: group of the image (sequence, patient, well), which cross-validation must not divide.
        modality: kind of image or cell, if the layout has it.
        channels: number of channels, if the layout defines it. It distinguishes channels from the planes of a
            volume whose file does not describe them.
        origin: format of the annotations, if a layout has several.
        notes: what the user should know about the files.
    """

    name: str
    image: Path
    annotate: Callable[[Shape], Annotation] | None = None
    split: Split = "training"
    group: str | None = None
    modality: str | None = None
    channels: int | None = None
    origin: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A file or folder that was not imported, and the reason.

    Example:
        >>> print(Failure(Path("02_GT"), "there are no images in 02"))
        02_GT: there are no images in 02
    """

    file: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(frozen=True)
class Layout:
    """One published layout of a dataset.

    Attributes:
        samples: function that finds the images in a folder and returns broken files as :class:`Failure`. Its
            docstring describes the dataset in the first line, then shows the published files.
        licence: licence of the published dataset, if the layout belongs to one dataset.
        class_names: function that reads the class names by code, for datasets that label classes.
        tracks: function that finds the files of manual tracks by ``<sequence>/<file name>``.
        outside: for datasets that label classes, the code of pixels outside the annotated region.
    """

    samples: Callable[[Path], Iterator[Sample | Failure]]
    licence: str | None = None
    class_names: Callable[[Path], Mapping[int, str]] = lambda source: {}
    tracks: Callable[[Path], Mapping[str, Path]] = lambda source: {}
    outside: int | None = None

    @property
    def form(self) -> str:
        """Description of the dataset and a tree of its files."""
        return inspect.getdoc(self.samples) or ""

    @property
    def description(self) -> str:
        """One line with the name of the dataset or tool and its files."""
        return self.form.partition("\n")[0].removesuffix(".")


@dataclass(frozen=True)
class Conflict:
    """Objects of one image that overlap or have no pixel left.

    Attributes:
        name: name of the sample.
        contested_pixels: number of pixels that several objects cover; the smallest object keeps them.
        lost_objects: names of the objects without any pixel.

    Example:
        >>> print(Conflict("a", 12, ("region 7",)))
        a: several objects cover 12 pixels; lost: region 7
    """

    name: str
    contested_pixels: int
    lost_objects: tuple[str, ...]

    def __str__(self) -> str:
        lost = f"; lost: {', '.join(self.lost_objects)}" if self.lost_objects else ""
        return f"{self.name}: several objects cover {self.contested_pixels} pixels{lost}"


@dataclass(frozen=True)
class ImportReport:
    """Imported and rejected files of a dataset.

    Attributes:
        dataset: path of the new ``dataset.json``.
        imported: number of images in each of its lists.
        failures: files that were left out, with the reason.
        conflicts: images with overlapping or lost objects.
        classes: for datasets that label classes, the class of each code, or ``"ignore"``.
        origins: number of images by the format of their annotations, for layouts with several.
        objects: number of objects in all label maps.
        notes: what was changed or lost, with the names of the images.

    Example:
        >>> print(ImportReport(Path("plain/dataset.json"), {"training": 20, "test": 4}))
        plain/dataset.json: 20 training, 4 test
    """

    dataset: Path
    imported: Mapping[str, int]
    failures: tuple[Failure, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    classes: Mapping[int, int | str] = field(default_factory=dict)
    origins: Mapping[str, int] = field(default_factory=dict)
    objects: int = 0
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        counts = ", ".join(f"{number} {part}" for part, number in self.imported.items())
        lines = [f"{self.dataset.as_posix()}: {counts}"]
        if self.origins:
            read = ", ".join(f"{origin} ({number})" for origin, number in self.origins.items())
            lines.append(f"{counted(self.objects, 'object')}, from {read}")
        lines += self.notes[:_NOTES_SHOWN]
        if len(self.notes) > _NOTES_SHOWN:
            lines.append(f"… and {len(self.notes) - _NOTES_SHOWN} more notes")
        lines += [f"not imported: {failure}" for failure in self.failures]
        lines += [f"overlap: {conflict}" for conflict in self.conflicts]
        if self.classes:
            pairs = " ".join(f"{code}={number}" for code, number in self.classes.items())
            lines.append(f"masks of classes: train and score with --classes {pairs}")
        return "\n".join(lines)
