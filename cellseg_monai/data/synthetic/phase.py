"""Phase-contrast cells: grey on grey, with dark rims and bright halos."""

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.drawing import draw, number, overlay
from cellseg_monai.data.synthetic.image import Size, SyntheticImage, check_knobs
from cellseg_monai.data.synthetic.optics import Camera, Haze, between, degraded, expose
from cellseg_monai.data.synthetic.placement import Points, object_count, scatter
from cellseg_monai.data.synthetic.shapes import Outlines, blobs, discs, spindles
from cellseg_monai.data.synthetic.textures import Field, grain, smooth_field
from cellseg_monai.label_maps import LabelMap

MICROMETRES = 40.0
"""Diameter of a disc of the area of a flat cell."""

_DOMAIN_1 = Camera(gain=115, offset=4, gamma=1.0, shot=0.008, read=0.9, blur=0.014, haze=0.0, vignette=0.04)
_DOMAIN_2 = Camera(gain=75, offset=12, gamma=1.4, shot=0.03, read=1.8, blur=0.022, haze=0.0, vignette=0.12)
_ROUND = 0.08
_HALO = {0.07: 0.8, 0.3: 0.25}


def phase(
    size: Size = (256, 256),
    *,
    seed: int = 0,
    density: float = 0.2,
    diameter: float = 50.0,
    shift: float = 0.0,
    degradation: float = 1.0,
) -> SyntheticImage:
    """Adherent cells under a phase-contrast microscope, uint8.

    Flat bodies with arms are a little darker than the grey background and full of granules; a bright halo
    surrounds them. A few cells have rounded up and shine.

    Args:
        size: rows and columns.
        seed: the same seed gives the same bytes.
        density: share of the image that cells cover; 0 for an empty image with noise.
        diameter: in pixels, of a disc of the area of a typical cell. It fixes the pixel size: 40 µm.
        shift: 0 for the first intensity domain, 1 for the second; the truth does not depend on it.
        degradation: 1 for a usual microscope; 0 for no halo, debris, blur or noise, so that a threshold
            just below the background gives exactly the truth.

    Returns:
        Image and truth.

    Raises:
        ValueError: a knob lies outside its limits.

    Example:
        >>> sample = phase((200, 240), seed=1)
        >>> sample.image.shape, sample.image.dtype, sample.pixel_size
        ((200, 240), dtype('uint8'), 0.8)
    """
    check_knobs(size, density, diameter, shift, degradation)
    drawing, texture, exposure = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3))
    count = object_count(size, density, np.pi / 4 * diameter**2)
    rounded = drawing.random(count) < _ROUND
    outlines = _population(rounded, size, diameter, drawing)
    label, height = draw(outlines, size)
    label, drawn = number(label)
    nuclei = _nuclei(outlines.centres[drawn], size, diameter, texture)
    delay = _delay(label, height, nuclei, rounded[drawn], diameter, texture)
    _add_debris(delay, diameter, degradation, texture)
    light = _interfere(delay, diameter, degradation, texture)
    camera = degraded(between(_DOMAIN_1, _DOMAIN_2, shift), degradation)
    image = expose(light, camera, diameter, exposure, np.uint8)
    return SyntheticImage("phase", image, label, None, MICROMETRES / diameter)


def _population(
    rounded: npt.NDArray[np.bool_], size: Size, diameter: float, random: np.random.Generator
) -> Outlines:
    """Flat cells with arms; those rounded up are small discs."""
    count = len(rounded)
    centres = scatter(count, size, 1.1 * diameter, random)
    flat = spindles(centres, diameter * random.lognormal(0, 0.2, count), random)
    widths = diameter * random.uniform(0.35, 0.5, count)
    balls = blobs(centres, widths, 1 + 0.15 * random.random(count), np.full(count, 0.02), random)
    return Outlines(
        centres,
        np.where(rounded[:, None], balls.radii, flat.radii),
        flat.angles,
        np.where(rounded, 0, flat.bends),
    )


def _nuclei(centres: Points, size: Size, diameter: float, random: np.random.Generator) -> Field:
    """0 outside nuclei, 1 within, and a soft step between."""
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
    """By how much cells delay the light, in radians: plateau, bulge of the nucleus, granules."""
    size = label.shape
    fine, coarse = (_tiled(grain(scale * diameter, random), size) for scale in (0.04, 0.12))
    thickness = random.uniform(0.12, 0.3, len(rounded))
    owner = np.maximum(label - 1, 0)
    of_pixel = thickness[owner] if len(rounded) else np.zeros(size)
    bulge = 0.6 + 0.5 * height + 0.9 * np.exp(-height / 0.1) - 0.3 * nuclei + 2 * nuclei * (1 - nuclei)
    granules = 1 + 0.15 * coarse + 0.2 * fine + 2.5 * np.maximum(fine - 2.0, 0) * (height > 0.35)
    delay = of_pixel * bulge * np.maximum(granules, 0.3)
    if len(rounded):
        ball = rounded[owner]
        delay[ball] = (0.7 + 0.8 * np.sqrt(height[ball])) * (1 + 0.1 * fine[ball])
    inside: Field = np.where(label > 0, np.clip(delay, 0.08, 0.92 * np.pi), 0).astype(np.float32)
    return inside


def _add_debris(delay: Field, diameter: float, degradation: float, random: np.random.Generator) -> None:
    specks = random.poisson(degradation * delay.size / (0.8 * diameter**2))
    where = random.uniform((0, 0), delay.shape, (specks, 2))
    widths = random.uniform(0.02, 0.08, specks) * diameter
    overlay(delay, discs(where, widths), random.exponential(0.12, specks))


def _tiled(tile: Field, size: tuple[int, ...]) -> Field:
    rows, columns = (np.arange(length) % side for length, side in zip(size, tile.shape, strict=True))
    return np.asarray(tile[rows[:, None], columns])


def _interfere(delay: Field, diameter: float, degradation: float, random: np.random.Generator) -> Field:
    """Zernike's contrast: delayed light darkens; what the ring leaks shines around it as the halo."""
    light = 1 - np.sin(delay)
    if degradation:
        rows = np.arange(len(delay))
        for width, strength in _HALO.items():
            light += Haze(delay, width * diameter, degradation * strength).at(rows)
        light += degradation * 0.01 * smooth_field((delay.shape[0], delay.shape[1]), 3 * diameter, random)
    return light
