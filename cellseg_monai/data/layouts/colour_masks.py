"""Masks in which colours stand for objects or for classes: RGB pictures, PNG with a palette, CVAT's masks.

If the colours of a folder occur in many separate pieces, they are classes: each piece is an object, and its
colour is its class. Otherwise each colour is an object. The background is black, or the most frequent colour
if there is no black. CVAT lists the colours of classes in ``labelmap.txt``.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from cellseg_monai.data.layouts.samples import Annotation
from cellseg_monai.data.readers.formats import read_label_map, read_pixels
from cellseg_monai.label_maps import as_label_map, connected_components, is_mask, relabel
from cellseg_monai.polygons import Shape

_MOST_CLASSES = 32
_PIECES_PER_CLASS = 2
_SPECK = 5
_MOST_BLENDED = 16

Codes = npt.NDArray[np.int64]
"""Red, green and blue as one number for each pixel, 0 in the background."""


def is_coloured(path: Path) -> bool:
    """Whether a mask is a PNG with a palette or has channels that differ; other masks hold ids."""
    if path.suffix.lower() == ".png":
        with Image.open(path) as image:
            if image.mode == "P":
                return True
    pixels = read_pixels(path, "label")
    return pixels.ndim == 3 and pixels.shape[-1] >= 3 and bool((pixels[..., :1] != pixels[..., :3]).any())


def colour_codes(path: Path) -> Codes:
    """Read a coloured mask as numbers, of which 0 is the background.

    Raises:
        ValueError: the file is a JPEG, or its colours are blended as at smooth borders and in photographs.
    """
    if path.suffix.lower() in (".jpg", ".jpeg"):
        raise ValueError(f"{path.name} is a JPEG, which changes the colours; save the mask as PNG")
    pixels = read_pixels(path, "label")
    if pixels.ndim == 2:  # a palette
        return pixels.astype(np.int64)
    codes = np.asarray(pixels[..., :3].astype(np.int64) @ [1 << 16, 1 << 8, 1], np.int64)
    values, counts = np.unique(codes, return_counts=True)
    specks = int((counts < _SPECK).sum())
    if specks > _MOST_BLENDED and 2 * specks > len(values):
        raise ValueError(
            f"{path.name} has {len(values)} colours, and {specks} of them cover fewer than {_SPECK} pixels, "
            "as in an image or at smoothed borders; save the mask as PNG without smoothing"
        )
    background = 0 if 0 in values else int(values[counts.argmax()])
    return np.where(codes == background, 0, codes)


class ColourMasks:
    """The coloured masks of one folder, which share the meaning of colours.

    Args:
        files: masks.
    """

    def __init__(self, files: Sequence[Path]) -> None:
        self.files = list(files)

    @cached_property
    def are_classes(self) -> bool:
        """Whether the colours are few and occur in many pieces."""
        colours: set[int] = set()
        pieces = pairs = 0
        for file in self.files:
            try:
                codes = colour_codes(file)
            except ValueError:
                continue  # told when the mask is read for its image
            values = np.setdiff1d(codes, 0).tolist()
            colours.update(values)
            pairs += len(values)
            pieces += int(connected_components(relabel(codes)).max())
        return len(colours) <= _MOST_CLASSES and pieces >= _PIECES_PER_CLASS * max(pairs, 1)

    def annotate(self, path: Path, shape: Shape) -> Annotation:
        """Read one mask."""
        codes = _of_shape(path, colour_codes(path), shape)
        if not self.are_classes:
            ids = as_label_map(codes) if codes.max() < 256 else relabel(codes)  # a palette has ids
            return Annotation(ids, notes=("each colour is an object",))
        return _pieces_of_classes(codes, palette_names(path))


def read_objects_and_classes(objects: Path, classes: Path, shape: Shape) -> Annotation:
    """Read CVAT's ``SegmentationObject`` with the classes of its ``SegmentationClass``."""
    label_map = relabel(_of_shape(objects, colour_codes(objects), shape))
    codes = _of_shape(classes, colour_codes(classes), shape)
    names = palette_names(classes)
    return Annotation(label_map, classes=_classes_of(label_map, codes, names))


def read_classes(path: Path, shape: Shape) -> Annotation:
    """Read CVAT's ``SegmentationClass``: each piece of a colour is an object."""
    return _pieces_of_classes(_of_shape(path, colour_codes(path), shape), palette_names(path))


def read_ids(path: Path, shape: Shape) -> Annotation:
    """Read a mask of ids."""
    label_map = read_label_map(path)
    _of_shape(path, label_map, shape)
    note = "the mask is black and white, so its cells are one object; train and score with --pieces"
    return Annotation(label_map, notes=(note,) if is_mask(label_map) else ())


def palette_names(path: Path) -> Mapping[int, str]:
    """Names of classes by the number of their colour, from the ``labelmap.txt`` of CVAT."""
    listing = path.parent.parent / "labelmap.txt"
    names: dict[int, str] = {}
    for line in listing.read_text(encoding="utf-8").splitlines() if listing.is_file() else ():
        name, _, rest = line.partition(":")
        values = rest.partition(":")[0].split(",")
        if (
            not line.startswith("#")
            and len(values) == 3
            and all(value.strip().isdecimal() for value in values)
        ):
            red, green, blue = map(int, values)
            names[red << 16 | green << 8 | blue] = name
    return names


def _pieces_of_classes(codes: Codes, names: Mapping[int, str]) -> Annotation:
    label_map = connected_components(relabel(codes))
    note = "each piece of a colour is an object, so touching cells of one class are not separated"
    return Annotation(label_map, classes=_classes_of(label_map, codes, names), notes=(note,))


def _classes_of(label_map: Any, codes: Codes, names: Mapping[int, str]) -> dict[int, str]:
    """Class of each object: the colour of its first pixel that has one."""
    inside = (label_map > 0) & (codes > 0)
    ids, first = np.unique(label_map[inside], return_index=True)
    found = codes[inside][first].tolist()
    return {number: names.get(code, _shown(code)) for number, code in zip(ids.tolist(), found, strict=True)}


def _shown(code: int) -> str:
    return f"#{code:06x}" if code > 255 else f"value {code}"


def _of_shape(path: Path, codes: Any, shape: Shape) -> Any:
    if codes.shape != shape:
        raise ValueError(f"{path.name} has the shape {codes.shape}, but the image has {shape}")
    return codes
