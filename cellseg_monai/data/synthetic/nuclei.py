"""Fluorescent nuclei: bright textured ovals on a dark background."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from cellseg_monai.data.synthetic.drawing import add_specks, draw, number
from cellseg_monai.data.synthetic.optics import FLUORESCENCE, camera_for, expose
from cellseg_monai.data.synthetic.placement import object_count, scatter
from cellseg_monai.data.synthetic.scene import Field, Numbers, Points, Scene, SyntheticImage
from cellseg_monai.data.synthetic.shapes import Outlines, blobs
from cellseg_monai.data.synthetic.textures import grain, smooth_field
from cellseg_monai.label_maps import LabelMap

MICROMETRES = 18.0
"""Diameter of a nucleus."""

_ROWS_PER_STRIP = 512


class Stain(NamedTuple):
    """Appearance of each nucleus.

    Attributes:
        brightness: brightness, 1 for a typical nucleus.
        contrast: strength of the chromatin texture.
        anchors: position of each nucleus in the tile of chromatin.
    """

    brightness: Numbers
    contrast: Numbers
    anchors: Points


def nuclei(scene: Scene) -> SyntheticImage:
    """Draw nuclei under a fluorescence microscope; see :func:`~cellseg_monai.data.synthesize`.

    Example:
        >>> sample = nuclei(Scene((96, 128), seed=1, density=0.2, diameter=28))
        >>> sample.image.shape, sample.image.dtype, sample.label.max()
        ((96, 128), dtype('uint16'), np.int32(4))
    """
    drawing, staining, exposure = scene.generators(3)
    outlines, mitotic = _population(scene, drawing)
    label, height = draw(outlines, scene.size)
    label, drawn = number(label)
    look = stain(mitotic[drawn], staining)
    light = glow(label, height, outlines.centres[drawn], look, chromatin(scene.diameter, staining))
    image = fluoresce(light, scene, exposure)
    return SyntheticImage("nuclei", image, label, None, MICROMETRES / scene.diameter)


def _population(scene: Scene, random: np.random.Generator) -> tuple[Outlines, npt.NDArray[np.bool_]]:
    """Outlines of nuclei, and whether each is condensed for division."""
    size, diameter = scene.size, scene.diameter
    count = object_count(size, scene.density, np.pi / 4 * diameter**2)
    grid = (int(size[0] // diameter) + 2, int(size[1] // diameter) + 2)
    crowds = expit(2.0 * smooth_field(grid, 6, random))

    def crowding(points: Points) -> Numbers:
        return np.asarray(crowds[tuple((points / diameter).astype(np.int64).T)])

    centres = scatter(count, size, 0.95 * diameter, random, crowding)
    mitotic = random.random(count) < 0.025
    diameters = diameter * random.lognormal(0, 0.14, count) * np.where(mitotic, 0.65, 1.0)
    elongations = 1.05 + random.gamma(2.0, 0.2, count)
    roughness = np.where(random.random(count) < 0.1, 0.16, random.uniform(0.01, 0.06, count))
    return blobs(centres, diameters, elongations, roughness, random), mitotic


def stain(mitotic: npt.NDArray[np.bool_], random: np.random.Generator) -> Stain:
    """Choose the appearance of nuclei; those condensed for division are bright.

    Example:
        >>> stain(np.zeros(3, bool), np.random.default_rng(0)).brightness.shape
        (3,)
    """
    count = len(mitotic)
    brightness = random.lognormal(-0.03, 0.2, count) * np.where(mitotic, random.uniform(1.6, 3.5, count), 1.0)
    return Stain(brightness, random.uniform(0.08, 0.28, count), random.uniform(0, 1e4, (count, 2)))


def chromatin(diameter: float, random: np.random.Generator) -> Field:
    """Return a tile of chromatin: fine grain on coarser patches.

    Example:
        >>> chromatin(28, np.random.default_rng(0)).shape
        (256, 256)
    """
    return 0.8 * grain(0.1 * diameter, random) + 0.5 * grain(0.25 * diameter, random)


def glow(label: LabelMap, height: Field, centres: Points, look: Stain, texture: Field) -> Field:
    """Return the light of nuclei before any optics; the heights are changed in place.

    Args:
        label: label map with ids 1, 2, …
        height: thickness of the nuclei from the drawing, which becomes the light.
        centres: row and column of each id; the chromatin moves with them.
        look: appearance of each id.
        texture: tile of chromatin.

    Returns:
        Light, which is 0 outside nuclei and at least 0.05 inside.
    """
    origins = np.rint(look.anchors - centres).astype(np.int64)
    for top in range(0, len(label), _ROWS_PER_STRIP):
        strip = slice(top, top + _ROWS_PER_STRIP)
        rows, columns = np.nonzero(label[strip])
        owner = label[strip][rows, columns] - 1
        tile_rows = (rows + top + origins[owner, 0]) % texture.shape[0]
        tile_columns = (columns + origins[owner, 1]) % texture.shape[1]
        mottle = 1 + look.contrast[owner] * np.minimum(texture[tile_rows, tile_columns], 1.5)
        dome = 0.7 + 0.3 * np.sqrt(height[strip][rows, columns])
        height[strip][rows, columns] = np.maximum(look.brightness[owner] * dome * mottle, 0.05)
    return height


def fluoresce(light: Field, scene: Scene, random: np.random.Generator) -> npt.NDArray[np.uint16]:
    """Add debris to the light, in place, and expose it with a fluorescence camera.

    Args:
        light: light of the objects.
        scene: settings of the image; its diameter is that of a typical nucleus.
        random: random generator.
    """
    add_specks(light, scene, 60, (0.05, 0.16), 0.35, random)
    camera = camera_for(scene, FLUORESCENCE)
    return expose(light, camera, scene.diameter, random).astype(np.uint16, copy=False)
