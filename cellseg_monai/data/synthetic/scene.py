"""The input and the output of every kind of synthetic image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cellseg_monai.label_maps import LabelMap

Size = tuple[int, int]
"""Rows and columns."""

Points = npt.NDArray[np.float64]
"""Row and column of each point in pixels; the centre of a pixel has whole numbers."""

Numbers = npt.NDArray[np.float64]
"""One number per object."""

Field = npt.NDArray[np.float32]
"""One number per pixel."""


@dataclass(frozen=True)
class Scene:
    """Settings of a synthetic image.

    Attributes:
        size: rows and columns.
        seed: random seed; the same seed gives the same bytes.
        density: share of the image that objects cover; 0 for an empty image with noise.
        diameter: diameter of a typical object in pixels, which sets the pixel size.
        shift: 0 for the first intensity domain, 1 for the second. The truth does not depend on it.
        degradation: 1 for a typical microscope; 0 for an image without blur, haze, debris or noise, in which
            all pixels that differ from the background are objects.

    Raises:
        ValueError: a value is out of range.

    Example:
        >>> Scene((64, 64), seed=0, density=1.5, diameter=28)
        Traceback (most recent call last):
        ...
        ValueError: density must be between 0 and 0.7, not 1.5
    """

    size: Size
    seed: int
    density: float
    diameter: float
    shift: float = 0.0
    degradation: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"size must be rows and columns of at least 1, not {self.size}")
        require_range("density", self.density, 0, 0.7)
        require_range("diameter", self.diameter, 2)
        require_range("shift", self.shift, 0, 1)
        require_range("degradation", self.degradation, 0)

    def generators(self, count: int) -> list[np.random.Generator]:
        """Return independent random generators."""
        return [np.random.default_rng(seed) for seed in np.random.SeedSequence(self.seed).spawn(count)]


@dataclass(frozen=True)
class SyntheticImage:
    """An image with its exact truth.

    Attributes:
        kind: kind of image, a key of :data:`KINDS`.
        image: array of rows, columns and, for colour images, 3 channels, with the data type of a file.
        label: label map. Objects have the ids 1, 2, … and each is one connected piece. Filaments are one
            network, so 1 marks every filament pixel.
        classes: class of each object by id, or None if the kind has no classes.
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
        """Class of each pixel, 0 for background.

        Raises:
            ValueError: the kind has no classes.
        """
        if self.classes is None:
            raise ValueError(f"{self.kind} images have no classes; only tissue images do")
        table = np.zeros(len(self.classes) + 1, np.int32)
        table[list(self.classes)] = list(self.classes.values())
        return table[self.label]


def require_range(name: str, value: float, low: float, high: float = np.inf) -> None:
    """Raise if a value is out of range or not finite.

    Example:
        >>> require_range("count", 0, 1)
        Traceback (most recent call last):
        ...
        ValueError: count must be at least 1, not 0
    """
    if not (low <= value <= high and np.isfinite(value)):
        limits = f"at least {low:g}" if high == np.inf else f"between {low:g} and {high:g}"
        raise ValueError(f"{name} must be {limits}, not {value:g}")
