"""Fluorescent nuclei: bright textured ovals on a dark field."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from cellseg_monai.data.synthetic.drawing import draw, number
from cellseg_monai.data.synthetic.fluorescence import photograph
from cellseg_monai.data.synthetic.image import Size, SyntheticImage, check_knobs
from cellseg_monai.data.synthetic.placement import Points, object_count, scatter
from cellseg_monai.data.synthetic.shapes import Numbers, Outlines, blobs
from cellseg_monai.data.synthetic.textures import Field, grain, smooth_field
from cellseg_monai.label_maps import LabelMap

MICROMETRES = 18.0
"""Diameter of a nucleus."""

_ROWS_PER_STRIP = 512


class Stain(NamedTuple):
    """How each nucleus looks.

    Attributes:
        brightness: 1 for a typical nucleus.
        contrast: strength of the chromatin texture.
        anchors: where in the tile of chromatin each nucleus lies.
    """

    brightness: Numbers
    contrast: Numbers
    anchors: Points


def nuclei(
    size: Size = (256, 256),
    *,
    seed: int = 0,
    density: float = 0.2,
    diameter: float = 28.0,
    shift: float = 0.0,
    degradation: float = 1.0,
) -> SyntheticImage:
    """Nuclei under a fluorescence microscope, uint16.

    They vary in size, shape, brightness and chromatin; some touch, some are cut by the edge of the image, a
    few are condensed and bright. The background has haze and specks.

    Args:
        size: rows and columns.
        seed: the same seed gives the same bytes.
        density: share of the image that nuclei cover; 0 for an empty image with noise.
        diameter: of a typical nucleus in pixels, which fixes the pixel size: a nucleus measures 18 µm.
        shift: 0 for the first intensity domain, 1 for the second; the truth does not depend on it.
        degradation: 1 for a usual microscope; 0 for no blur, haze, specks or noise, so that a threshold just
            above the background gives exactly the truth.

    Returns:
        Image and truth.

    Raises:
        ValueError: a knob lies outside its limits.

    Example:
        >>> sample = nuclei((96, 128), seed=1)
        >>> sample.image.shape, sample.image.dtype, sample.label.max()
        ((96, 128), dtype('uint16'), np.int32(4))
    """
    check_knobs(size, density, diameter, shift, degradation)
    drawing, staining, exposure = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3))
    outlines, mitotic = _population(size, density, diameter, drawing)
    label, height = draw(outlines, size)
    label, drawn = number(label)
    look = stain(mitotic[drawn], staining)
    light = glow(label, height, outlines.centres[drawn], look, chromatin(diameter, staining))
    image = photograph(light, diameter, shift, degradation, exposure)
    return SyntheticImage("nuclei", image, label, None, MICROMETRES / diameter)


def _population(
    size: Size, density: float, diameter: float, random: np.random.Generator
) -> tuple[Outlines, npt.NDArray[np.bool_]]:
    """Nuclei of many shapes, and which of them are condensed for division."""
    count = object_count(size, density, np.pi / 4 * diameter**2)
    grid = (int(size[0] // diameter) + 2, int(size[1] // diameter) + 2)
    crowds = expit(2.0 * smooth_field(grid, 6, random))

    def crowding(points: Points) -> npt.NDArray[np.float64]:
        cells = (points / diameter).astype(np.int64)
        chance: npt.NDArray[np.float64] = crowds[cells[:, 0], cells[:, 1]]
        return chance

    centres = scatter(count, size, 0.95 * diameter, random, crowding)
    mitotic = random.random(count) < 0.025
    diameters = diameter * random.lognormal(0, 0.14, count) * np.where(mitotic, 0.65, 1.0)
    elongations = 1.05 + random.gamma(2.0, 0.2, count)
    roughness = np.where(random.random(count) < 0.1, 0.16, random.uniform(0.01, 0.06, count))
    return blobs(centres, diameters, elongations, roughness, random), mitotic


def stain(mitotic: npt.NDArray[np.bool_], random: np.random.Generator) -> Stain:
    """Choose how nuclei look; those condensed for division are bright.

    Example:
        >>> stain(np.zeros(3, bool), np.random.default_rng(0)).brightness.shape
        (3,)
    """
    count = len(mitotic)
    brightness = random.lognormal(-0.03, 0.2, count) * np.where(mitotic, random.uniform(1.6, 3.5, count), 1.0)
    return Stain(brightness, random.uniform(0.08, 0.28, count), random.uniform(0, 1e4, (count, 2)))


def chromatin(diameter: float, random: np.random.Generator) -> Field:
    """A tile of chromatin for nuclei of that diameter: fine grain on coarser patches.

    Example:
        >>> chromatin(28, np.random.default_rng(0)).shape
        (256, 256)
    """
    return 0.8 * grain(0.1 * diameter, random) + 0.5 * grain(0.25 * diameter, random)


def glow(
    label: LabelMap,
    height: Field,
    centres: Points,
    look: Stain,
    texture: Field,
) -> Field:
    """The light that nuclei send out, before any optics. It works in place on the heights.

    Args:
        label: map of ids 1, 2, …
        height: thickness of the nuclei, as drawn; becomes the light.
        centres: row and column of each id; the chromatin moves with them.
        look: how each id looks.
        texture: tile of chromatin.

    Returns:
        Light, 0 outside nuclei and at least 0.05 within them.
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
