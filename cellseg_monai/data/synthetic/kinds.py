"""The kinds of synthetic images, and one function that draws all of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from cellseg_monai.data.synthetic.filaments import filaments
from cellseg_monai.data.synthetic.nuclei import nuclei
from cellseg_monai.data.synthetic.phase import phase
from cellseg_monai.data.synthetic.scene import Scene, Size, SyntheticImage
from cellseg_monai.data.synthetic.tissue import tissue


class Kind(NamedTuple):
    """A kind of image and its typical values.

    Attributes:
        draw: function that draws an image of this kind.
        densities: lowest and highest typical share of the image that objects cover.
        diameters: smallest and largest typical diameter of an object in pixels.
        description: description in a few words.
    """

    draw: Callable[[Scene], SyntheticImage]
    densities: tuple[float, float]
    diameters: tuple[float, float]
    description: str


KINDS: dict[str, Kind] = {
    "nuclei": Kind(nuclei, (0.08, 0.3), (24, 32), "fluorescent nuclei"),
    "phase": Kind(phase, (0.1, 0.35), (42, 60), "cells in phase contrast"),
    "filaments": Kind(filaments, (0.04, 0.12), (4, 7), "fluorescent branching filaments"),
    "tissue": Kind(tissue, (0.12, 0.35), (20, 28), "nuclei of three classes in stained tissue"),
}
"""All kinds by name."""


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
    """Draw a synthetic image with exact truth.

    - ``nuclei``: nuclei under a fluorescence microscope, uint16, that vary in size, shape, brightness and
      chromatin. Some touch, some are cut by the image border, and a few are condensed and bright.
    - ``phase``: adherent cells under a phase-contrast microscope, uint8. Flat bodies with arms are slightly
      darker than the grey background, full of granules, and have a bright halo. A few cells are round and
      bright.
    - ``filaments``: branching filaments under a fluorescence microscope, uint16. The truth is binary, because
      crossing filaments are one network.
    - ``tissue``: tissue stained with haematoxylin and eosin, RGB uint8, with the class of each nucleus.
      Epithelial nuclei are in nests, inflammatory nuclei are scattered, and connective nuclei follow the
      fibres of the stroma.

    Args:
        kind: kind of image, a key of :data:`KINDS`.
        size: rows and columns.
        seed: random seed; the same seed gives the same bytes.
        density: share of the image that objects cover; 0 for an image without objects. By default the seed
            chooses a typical value.
        diameter: diameter of a typical object in pixels. It sets the pixel size: a nucleus measures 18 µm, a
            cell in phase contrast 40 µm, the root of a filament 2 µm, and an epithelial nucleus 9 µm. By
            default the seed chooses a typical value.
        shift: 0 for the first intensity domain, 1 for the second. The truth does not depend on it.
        degradation: 1 for a typical microscope; 0 for an image without blur, haze, debris or noise, in which
            all pixels that differ from the background are objects.

    Returns:
        Image and truth.

    Raises:
        ValueError: there is no such kind, or a value is out of range.

    Example:
        >>> sample = synthesize("phase", (64, 96), seed=3)
        >>> sample.image.shape, sample.image.dtype
        ((64, 96), dtype('uint8'))
    """
    chosen = kind_named(kind)
    random = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1 << 16,)))
    usual_density, usual_diameter = random.uniform(*chosen.densities), random.uniform(*chosen.diameters)
    density = usual_density if density is None else density
    diameter = usual_diameter if diameter is None else diameter
    return chosen.draw(Scene(size, seed, density, diameter, shift, degradation))


def kind_named(name: str) -> Kind:
    """Return the kind of a name.

    Example:
        >>> kind_named("yeast")
        Traceback (most recent call last):
        ...
        ValueError: there is no synthetic kind 'yeast'; choose one of filaments, nuclei, phase, tissue
    """
    if name not in KINDS:
        raise ValueError(f"there is no synthetic kind {name!r}; choose one of {', '.join(sorted(KINDS))}")
    return KINDS[name]
