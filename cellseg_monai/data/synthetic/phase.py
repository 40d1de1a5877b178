"""Phase-contrast cells: grey on grey, with dark rims and bright halos."""

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.drawing import add_specks, draw, number, overlay
from cellseg_monai.data.synthetic.optics import Camera, Haze, camera_for, expose
from cellseg_monai.data.synthetic.placement import object_count, scatter
from cellseg_monai.data.synthetic.scene import Field, Points, Scene, Size, SyntheticImage
from cellseg_monai.data.synthetic.shapes import Outlines, blobs, spindles
from cellseg_monai.data.synthetic.textures import TILE, grain, smooth_field
from cellseg_monai.label_maps import LabelMap

MICROMETRES = 40.0
"""Diameter of a disc with the area of a flat cell."""

_CAMERAS = (
    Camera(gain=115, offset=4, gamma=1.0, shot=0.008, read=0.9, blur=0.014, haze=0.0, vignette=0.04),
    Camera(gain=75, offset=12, gamma=1.4, shot=0.03, read=1.8, blur=0.022, haze=0.0, vignette=0.12),
)
_ROUND = 0.08
_HALO = {0.07: 0.8, 0.3: 0.25}


def phase(scene: Scene) -> SyntheticImage:
    """Draw adherent cells in phase contrast; see :func:`~cellseg_monai.data.synthesize`.

    Example:
        >>> sample = phase(Scene((200, 240), seed=1, density=0.2, diameter=50))
        >>> sample.image.shape, sample.image.dtype, sample.pixel_size
        ((200, 240), dtype('uint8'), 0.8)
    """
    size, diameter = scene.size, scene.diameter
    drawing, texture, exposure = scene.generators(3)
    count = object_count(size, scene.density, np.pi / 4 * diameter**2)
    rounded = drawing.random(count) < _ROUND
    outlines = _population(rounded, size, diameter, drawing)
    label, height = draw(outlines, size)
    label, drawn = number(label)
    nuclei = _nuclei(outlines.centres[drawn], size, diameter, texture)
    delay = _delay(label, height, nuclei, rounded[drawn], diameter, texture)
    add_specks(delay, scene, 0.8, (0.02, 0.08), 0.12, texture)
    light = _interfere(delay, scene, texture)
    image = expose(light, camera_for(scene, _CAMERAS), diameter, exposure, np.uint8)
    return SyntheticImage("phase", image, label, None, MICROMETRES / diameter)


def _population(
    rounded: npt.NDArray[np.bool_], size: Size, diameter: float, random: np.random.Generator
) -> Outlines:
    """Outlines of flat cells with arms; round cells are small discs."""
    count = len(rounded)
    centres = scatter(count, size, 1.1 * diameter, random)
    flat = spindles(centres, diameter * random.lognormal(0, 0.2, count), random)
    widths = diameter * random.uniform(0.35, 0.5, count)
    balls = blobs(centres, widths, 1 + 0.15 * random.random(count), np.full(count, 0.02), random)
    radii = np.where(rounded[:, None], balls.radii, flat.radii)
    return flat._replace(radii=radii, bends=np.where(rounded, 0, flat.bends))


def _nuclei(centres: Points, size: Size, diameter: float, random: np.random.Generator) -> Field:
    """0 outside nuclei, 1 inside, with a soft step between."""
    count = len(centres)
    widths = diameter * random.uniform(0.28, 0.4, count)
    ovals = blobs(centres, widths, random.uniform(1.1, 1.8, count), np.full(count, 0.02), random)
    height = np.zeros(size, np.float32)
    overlay(height, ovals, np.ones(count))
    return np.asarray(np.clip(height / 0.3, 0, 1))


def _delay(
    label: LabelMap,
    height: Field,
    nuclei: Field,
    rounded: npt.NDArray[np.bool_],
    diameter: float,
    random: np.random.Generator,
) -> Field:
    """Phase delay of the light in radians: flat body, bulge of the nucleus, granules."""
    size = label.shape
    repeated = tuple(index % TILE for index in np.ogrid[: size[0], : size[1]])
    fine, coarse = (grain(scale * diameter, random)[repeated] for scale in (0.04, 0.12))
    thickness = np.append(0, random.uniform(0.12, 0.3, len(rounded)))[label]
    bulge = 0.6 + 0.5 * height + 0.9 * np.exp(-height / 0.1) - 0.3 * nuclei + 2 * nuclei * (1 - nuclei)
    granules = 1 + 0.15 * coarse + 0.2 * fine + 2.5 * np.maximum(fine - 2.0, 0) * (height > 0.35)
    delay = thickness * bulge * np.maximum(granules, 0.3)
    ball = np.append(False, rounded)[label]
    delay[ball] = (0.7 + 0.8 * np.sqrt(height[ball])) * (1 + 0.1 * fine[ball])
    return np.where(label > 0, np.clip(delay, 0.08, 0.92 * np.pi), 0).astype(np.float32)


def _interfere(delay: Field, scene: Scene, random: np.random.Generator) -> Field:
    """Zernike phase contrast: delayed light is dark, and light that leaks through the ring is the halo."""
    light = 1 - np.sin(delay)
    if scene.degradation:
        rows = np.arange(len(delay))
        for width, strength in _HALO.items():
            light += Haze(delay, width * scene.diameter, scene.degradation * strength).at(rows)
        light += scene.degradation * 0.01 * smooth_field(scene.size, 3 * scene.diameter, random)
    return light
