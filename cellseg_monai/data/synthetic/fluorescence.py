"""The fluorescence microscope that nuclei, filaments and movies share."""

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.drawing import overlay
from cellseg_monai.data.synthetic.optics import Camera, between, degraded, expose
from cellseg_monai.data.synthetic.shapes import discs
from cellseg_monai.data.synthetic.textures import Field

_DOMAIN_1 = Camera(gain=560, offset=145, gamma=1.0, shot=0.35, read=9, blur=0.04, haze=0.07, vignette=0.5)
_DOMAIN_2 = Camera(gain=2600, offset=900, gamma=0.7, shot=4.0, read=60, blur=0.07, haze=0.16, vignette=0.8)


def photograph(
    light: Field, diameter: float, shift: float, degradation: float, random: np.random.Generator
) -> npt.NDArray[np.uint16]:
    """Add specks and take the picture with a fluorescence camera, uint16.

    Args:
        light: what the objects send out; the specks are added in place.
        diameter: of a typical nucleus in pixels.
        shift: place between the two intensity domains.
        degradation: 0 for no specks, blur, haze or noise.
        random: source of chance.

    Example:
        >>> dark = np.zeros((2, 3), np.float32)
        >>> photograph(dark, 28, shift=0, degradation=0, random=np.random.default_rng(0))
        array([[145, 145, 145],
               [145, 145, 145]], dtype=uint16)
    """
    specks = random.poisson(degradation * light.size / (60 * diameter**2))
    where = random.uniform((0, 0), light.shape, (specks, 2))
    widths = random.uniform(0.05, 0.16, specks) * diameter
    overlay(light, discs(where, widths), random.exponential(0.35, specks))
    camera = degraded(between(_DOMAIN_1, _DOMAIN_2, shift), degradation)
    return expose(light, camera, diameter, random).astype(np.uint16, copy=False)
