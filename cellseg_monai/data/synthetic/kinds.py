"""The registry of kinds, and one call that draws any of them."""

from typing import NamedTuple, Protocol

import numpy as np

from cellseg_monai.data.synthetic.filaments import filaments
from cellseg_monai.data.synthetic.image import Size, SyntheticImage
from cellseg_monai.data.synthetic.nuclei import nuclei
from cellseg_monai.data.synthetic.phase import phase
from cellseg_monai.data.synthetic.tissue import tissue


class Draw(Protocol):
    """What the function of each kind looks like; the defaults of density and diameter are its own."""

    def __call__(
        self,
        size: Size = ...,
        *,
        seed: int = ...,
        density: float = ...,
        diameter: float = ...,
        shift: float = ...,
        degradation: float = ...,
    ) -> SyntheticImage:
        """Draw one image."""


class Kind(NamedTuple):
    """A kind of image, and what is usual for it.

    Attributes:
        draw: the function.
        densities: lowest and highest share of the image that objects cover.
        diameters: smallest and largest diameter of an object in pixels.
        description: one line for people.
    """

    draw: Draw
    densities: tuple[float, float]
    diameters: tuple[float, float]
    description: str


KINDS: dict[str, Kind] = {
    "nuclei": Kind(nuclei, (0.08, 0.3), (24, 32), "fluorescent nuclei"),
    "phase": Kind(phase, (0.1, 0.35), (42, 60), "cells in phase contrast"),
    "filaments": Kind(filaments, (0.04, 0.12), (4, 7), "fluorescent branching filaments"),
    "tissue": Kind(tissue, (0.12, 0.35), (20, 28), "nuclei of three classes in stained tissue"),
}
"""Every kind by its name."""


def synthesize(
    kind: str,
    size: Size = (256, 256),
    *,
    seed: int = 0,
    density: float | None = None,
    diameter: float | None = None,
    shift: float = 0.0,
    degradation: float = 1.0,
) -> SyntheticImage:
    """Draw an image of any kind.

    Args:
        kind: a key of :data:`KINDS`.
        size: rows and columns.
        seed: the same seed gives the same bytes.
        density: share of the image that objects cover; None lets the seed choose what is usual for the kind.
        diameter: of a typical object in pixels; None lets the seed choose.
        shift: 0 for the first intensity domain, 1 for the second; the truth does not depend on it.
        degradation: 1 for a usual microscope, 0 for a picture without blur, haze or noise.

    Returns:
        Image and truth.

    Raises:
        ValueError: there is no such kind, or a knob lies outside its limits.

    Example:
        >>> synthesize("phase", (64, 96), seed=3).image.shape
        (64, 96)
    """
    chosen = kind_named(kind)
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 16,)))
    usual_density, usual_diameter = random.uniform(*chosen.densities), random.uniform(*chosen.diameters)
    return chosen.draw(
        size,
        seed=seed,
        density=usual_density if density is None else density,
        diameter=usual_diameter if diameter is None else diameter,
        shift=shift,
        degradation=degradation,
    )


def kind_named(name: str) -> Kind:
    """The kind of that name.

    Example:
        >>> kind_named("yeast")
        Traceback (most recent call last):
        ...
        ValueError: there is no synthetic kind 'yeast'; choose one of filaments, nuclei, phase, tissue
    """
    if name not in KINDS:
        raise ValueError(f"there is no synthetic kind {name!r}; choose one of {', '.join(sorted(KINDS))}")
    return KINDS[name]
