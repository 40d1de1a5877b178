"""What every kind of synthetic image gives back, and the limits of the knobs that all kinds share."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap

Size = tuple[int, int]
"""Rows and columns."""


@dataclass(frozen=True)
class SyntheticImage:
    """A picture with its exact truth.

    Attributes:
        kind: name of the kind, a key of :data:`KINDS`.
        image: (rows, columns) or (rows, columns, 3), as it would stand in a file.
        label: (rows, columns). Objects are numbered 1, 2, … and each is one connected piece; for filaments,
            which are one network, 1 marks every filament pixel.
        classes: class of each object by its id, or None where the kind has no classes.
        pixel_size: width of a pixel in micrometres.

    Example:
        >>> truth = np.array([[0, 1], [2, 2]], np.int32)
        >>> sample = SyntheticImage("tissue", np.zeros((2, 2, 3), np.uint8), truth, {1: 3, 2: 1}, 0.5)
        >>> sample.class_map
        array([[0, 3],
               [1, 1]], dtype=int32)
    """

    kind: str
    image: npt.NDArray[Any]
    label: LabelMap
    classes: dict[int, int] | None
    pixel_size: float

    @property
    def class_map(self) -> LabelMap:
        """The class of each pixel, 0 for background.

        Raises:
            ValueError: the kind has no classes.
        """
        if self.classes is None:
            raise ValueError(f"{self.kind} images have no classes; only tissue has")
        table = np.zeros(len(self.classes) + 1, np.int32)
        table[list(self.classes)] = list(self.classes.values())
        return table[self.label]


def check_knobs(size: Size, density: float, diameter: float, shift: float, degradation: float) -> None:
    """Refuse what no image can be drawn with.

    Args:
        size: rows and columns.
        density: share of the image that objects cover.
        diameter: of a typical object, in pixels.
        shift: place between the two intensity domains.
        degradation: how far the microscope spoils the picture.

    Raises:
        ValueError: a knob lies outside its limits.

    Example:
        >>> check_knobs((64, 64), density=1.5, diameter=28, shift=0, degradation=1)
        Traceback (most recent call last):
        ...
        ValueError: density must lie between 0 and 0.7, not 1.5
    """
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"size must be rows and columns of at least 1, not {size}")
    if not 0 <= density <= 0.7:
        raise ValueError(f"density must lie between 0 and 0.7, not {density:g}")
    if not 2 <= diameter < np.inf:
        raise ValueError(f"diameter must be at least 2 pixels, not {diameter:g}")
    if not 0 <= shift <= 1:
        raise ValueError(f"shift must lie between 0 (domain 1) and 1 (domain 2), not {shift:g}")
    if not 0 <= degradation < np.inf:
        raise ValueError(f"degradation must not be negative, not {degradation:g}")
