"""What a layout says about the files that it finds: samples, failures, and the layout itself."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cellseg_monai.label_maps import LabelMap
from cellseg_monai.polygons import Shape

Split = Literal["training", "validation", "test"]

PARTS: tuple[tuple[str, Split], ...] = (("train", "training"), ("val", "validation"), ("test", "test"))
"""The splits by the short names that folders and files carry."""


@dataclass(frozen=True)
class Annotation:
    """The label map of one image, with what was lost on the way to it.

    Attributes:
        label_map: the objects, or the classes, of the image.
        contested_pixels: pixels that more than one object claimed.
        lost_objects: objects of which no pixel remains, by the names that their file gives them.
    """

    label_map: LabelMap
    contested_pixels: int = 0
    lost_objects: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sample:
    """One image and the way to its labels.

    Attributes:
        name: file stem of the image in the new dataset; unique there.
        image: the image file, copied as it is.
        annotate: gives the labels for an image of the given rows and columns; None if there are none. It is
            called late, so that one bad file does not stop the others.
        split: the part of the dataset that the publisher put the image in.
        group: images of one group (sequence, patient, well) must not be parted by cross-validation.
        modality: kind of image or of cell, where the layout tells.
        channels: the number that the layout promises, if it does. Planes of a volume whose file says nothing
            of them look like channels; this tells them apart.
    """

    name: str
    image: Path
    annotate: Callable[[Shape], Annotation] | None = None
    split: Split = "training"
    group: str | None = None
    modality: str | None = None
    channels: int | None = None


@dataclass(frozen=True)
class Failure:
    """A file or folder that was not imported, and why.

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
    """One published form of a dataset.

    Attributes:
        description: one line, with the set or the habit that the layout stands for.
        samples: finds the images below a folder; what is broken comes as a :class:`Failure`.
        form: the published files as a small tree.
        licence: licence of the published set, where the layout belongs to one set.
        class_names: reads the names of the classes by their code, where labels are classes and not objects.
        tracks: finds the files of manual tracks by sequence.
    """

    description: str
    samples: Callable[[Path], Iterator[Sample | Failure]]
    form: str | None
    licence: str | None = None
    class_names: Callable[[Path], Mapping[int, str]] | None = None
    tracks: Callable[[Path], Mapping[str, list[Path]]] | None = None
