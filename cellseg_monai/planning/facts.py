"""What a dataset shows: its images, its cells, and what its masks mean."""

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import distance_transform_edt
from skimage.morphology import skeletonize

from cellseg_monai.data import read_label_map, read_picture, read_pixels
from cellseg_monai.data.datalist import Item, as_list, group_of
from cellseg_monai.label_maps import LabelMap, connected_components
from cellseg_monai.metrics.mask_content import content_of

Masks = Literal["cells", "binary", "classes"]

READING = {"axes": "axes", "select": "select", "channel": "channels"}
"""Ids of a configuration that tell what to read of images, and the options of the reader."""

_COLOURS = ("red", "green", "blue")
_MOST_CLASSES, _MANY_PIECES = 32, 2.0
_THIN = 5.0
"""Length of a structure, in multiples of its width, above which it counts as thin."""

_ENOUGH = 4
"""Number of masks that show whether structures are thin."""


@dataclass(frozen=True)
class Fingerprint:
    """Facts about labelled images from which a training is planned.

    Attributes:
        images: number of images.
        groups: number of patients, slides or wells; the number of images if none are named.
        width: smallest and largest width in pixels.
        height: smallest and largest height in pixels.
        channels: number of channels; a grey image that is stored in colour has one.
        masks: whether the masks number the cells, separate foreground from background, or hold classes.
        classes: values of masks of classes, 0 included.
        cells: number of cells, or of pieces of the foreground.
        lengths: 5th, 50th and 95th percentile of the length of a cell in pixels.
        touching: share of the cells that touch another one.
        foreground: mean share of the foreground.
        thin: whether the foreground is thin, such as vessels or neurites.
        pixel_size: median side of a pixel in micrometres; None if not all files state it.
        stains: whether the channels have names other than those of colours.

    Example:
        >>> facts = Fingerprint(
        ...     images=4, groups=4, width=(512, 512), height=(512, 640), channels=1, masks="classes",
        ...     classes=(0, 128, 255), cells=9, lengths=(20.0, 30.0, 40.0), touching=0.0, foreground=0.2,
        ...     thin=False,
        ... )
        >>> print(facts)
        4 images, 512×512–640 pixels, grey; classes of the values 0, 128, 255
    """

    images: int
    groups: int
    width: tuple[int, int]
    height: tuple[int, int]
    channels: int
    masks: Masks
    classes: tuple[int, ...]
    cells: int
    lengths: tuple[float, float, float]
    touching: float
    foreground: float
    thin: bool
    pixel_size: float | None = None
    stains: bool = False

    @property
    def class_numbers(self) -> dict[str, int]:
        """Class of each value of the masks, for masks of classes."""
        return {str(value): number for number, value in enumerate(self.classes)}

    def __str__(self) -> str:
        """One sentence about the images, and one about the masks."""
        sides = "×".join(_range(side) for side in (self.width, self.height))
        kinds = {1: "grey", 3: "colour"}.get(self.channels, f"{self.channels} channels")
        low, median, high = self.lengths
        what = {
            "cells": f"{self.cells} cells, {median:.0f} pixels long ({low:.0f} to {high:.0f}), "
            f"{self.touching:.0%} of them touch another one",
            "binary": f"a binary mask of {'thin' if self.thin else 'compact'} structures, "
            f"{self.foreground:.1%} of the image",
            "classes": f"classes of the values {', '.join(map(str, self.classes))}",
        }
        kinds_of_group = "patient, slide or well" if self.groups == 1 else "patients, slides or wells"
        groups = f" of {self.groups} {kinds_of_group}" if self.groups < self.images else ""
        size = "" if self.pixel_size is None else f" of {self.pixel_size:.3g} µm"
        return f"{self.images} images{groups}, {sides} pixels{size}, {kinds}; {what[self.masks]}"


def fingerprint(items: Sequence[Item], reading: Mapping[str, Any] | None = None) -> Fingerprint:
    """Look at labelled images.

    Args:
        items: labelled images.
        reading: what to read of the images, by the ids of a configuration: ``axes``, ``select``, ``channel``.

    Raises:
        ValueError: a mask and its image differ in size, or no mask has an object.

    Example:
        >>> from tempfile import mkdtemp
        >>> from cellseg_monai.data import list_items, write_synthetic_dataset
        >>> folder = write_synthetic_dataset("nuclei", f"{mkdtemp()}/set", count=2, size=(96, 128))
        >>> print(fingerprint(list_items(folder)))
        2 images of 1 patient, slide or well, 128×96 pixels of ... µm, grey; ... cells, ...
    """
    with ThreadPoolExecutor() as pool:
        part = {READING[name]: value for name, value in (reading or {}).items()}
        facts = list(pool.map(partial(_facts, part=part), items))
    maps = [fact.labels for fact in facts]
    classes = _classes(maps)
    binary = not classes and not any(content_of(labels) == "objects" for labels in maps)
    if classes or binary:
        maps = [connected_components(labels > 0) for labels in maps]
    lengths = np.concatenate([_lengths(labels) for labels in maps])
    if not lengths.size:
        raise ValueError(f"the masks of all {len(items)} images are empty; annotate cells first")
    low, median, high = np.percentile(lengths, [5, 50, 95]).tolist()
    sizes = [fact.pixel_size for fact in facts if fact.pixel_size is not None]
    shapes = [labels.shape for labels in maps]
    return Fingerprint(
        images=len(items),
        groups=len({group_of(item) for item in items}),
        width=(min(shape[1] for shape in shapes), max(shape[1] for shape in shapes)),
        height=(min(shape[0] for shape in shapes), max(shape[0] for shape in shapes)),
        channels=max(fact.channels for fact in facts),
        masks="classes" if classes else "binary" if binary else "cells",
        classes=classes,
        cells=int(lengths.size),
        lengths=(low, median, high),
        touching=0.0 if binary or classes else _touching(maps),
        foreground=float(np.mean([(labels > 0).mean() for labels in maps])),
        thin=binary and _elongation(maps) > _THIN,
        pixel_size=float(np.median(sizes)) if len(sizes) == len(items) else None,
        stains=any(fact.stains for fact in facts),
    )


class _Facts(NamedTuple):
    labels: LabelMap
    channels: int
    pixel_size: float | None
    stains: bool


def _facts(item: Item, part: Mapping[str, Any]) -> _Facts:
    labels = read_label_map(item["label"])
    file = as_list(item["image"])[0]
    picture = read_picture(file, **part)
    pixels = picture.rows_columns()
    if "Z" in picture.axes:
        raise ValueError(
            f"{file}: is a stack of {len(pixels)} planes, but networks learn from planes; choose one "
            "with --z, or "
            "save annotated planes as images"
        )
    if pixels.shape[:2] != labels.shape:
        raise ValueError(
            f"{item['label']}: {labels.shape[1]}×{labels.shape[0]} pixels, but {file} has "
            f"{pixels.shape[1]}×{pixels.shape[0]}; a mask must have the size of its image"
        )
    size = picture.pixel_size
    names = picture.channel_names
    stains = bool(names) and len(names) > 1 and tuple(name.lower() for name in names[:3]) != _COLOURS
    return _Facts(labels, channels_of(item, pixels), None if size is None else size[0], stains)


def channels_of(item: Item, pixels: npt.NDArray[Any] | None = None) -> int:
    """Number of channels of an image: 3 if a fourth one is opacity, 1 if colours are grey.

    Args:
        item: image, or a list of files with a channel each.
        pixels: pixels of the image, if they have been read.
    """
    files = as_list(item["image"])
    if len(files) > 1:
        return len(files)
    if pixels is None:
        pixels = read_pixels(files[0])
    count = 1 if pixels.ndim == 2 else pixels.shape[2]
    if count == 4 and (pixels[..., 3] == pixels[0, 0, 3]).all():
        count = 3
    grey = count == 3 and all((pixels[..., 0] == pixels[..., index]).all() for index in (1, 2))
    return 1 if grey else count


def _classes(maps: Sequence[LabelMap]) -> tuple[int, ...]:
    """Values of masks of classes: few, usual in the images, and in many pieces or with gaps between them.

    Ids of cells have gaps too, in a crop or after a correction. So gaps count only if each value recurs.
    """
    values = [np.unique(labels[labels > 0]).tolist() for labels in maps]
    images = Counter(value for each in values for value in each)
    known = sorted(images)
    if not 1 < len(known) <= _MOST_CLASSES or np.mean(list(images.values())) <= len(maps) / 2:
        return ()
    pieces = [int(connected_components(labels).max()) for labels in maps]
    many = sum(pieces) > _MANY_PIECES * images.total()
    gaps = known[-1] > len(known) and min(images.values()) > max(1, len(maps) / 2)
    return (0, *known) if gaps or many else ()


def _lengths(labels: LabelMap) -> npt.NDArray[np.float64]:
    """Length of each cell: the long axis of the ellipse with the same second moments."""
    rows, columns = np.nonzero(labels)
    ids = labels[rows, columns]
    areas = np.bincount(ids)
    found = areas > 0
    moments = []
    for one, other in ((rows, rows), (columns, columns), (rows, columns)):
        means = [np.bincount(ids, each)[found] / areas[found] for each in (one, other)]
        moments.append(np.bincount(ids, one * other)[found] / areas[found] - means[0] * means[1])
    vertical, horizontal, mixed = moments
    largest = (vertical + horizontal) / 2 + np.hypot((vertical - horizontal) / 2, mixed)
    return np.asarray(4 * np.sqrt(largest + 1 / 12))  # a pixel is a square, not a point


def _touching(maps: Sequence[LabelMap]) -> float:
    touching, cells = 0, 0
    for labels in maps:
        found: set[int] = set()
        for one, other in ((labels[1:], labels[:-1]), (labels[:, 1:], labels[:, :-1])):
            both = (one != other) & (one > 0) & (other > 0)
            found.update(one[both].tolist(), other[both].tolist())
        touching += len(found)
        cells += np.unique(labels[labels > 0]).size
    return touching / max(cells, 1)


def _elongation(maps: Sequence[LabelMap]) -> float:
    """Median over images of the length of a piece in multiples of its width."""
    ratios = []
    for labels in maps[:_ENOUGH]:
        if pieces := int(labels.max()):
            line = skeletonize(labels > 0)
            width = 2 * float(distance_transform_edt(labels > 0)[line].mean())
            ratios.append(line.sum() / pieces / width)
    return float(np.median(ratios))


def _range(values: tuple[int, int]) -> str:
    low, high = values
    return str(low) if low == high else f"{low}–{high}"
