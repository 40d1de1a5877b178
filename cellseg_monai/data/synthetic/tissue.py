"""Stained tissue in transmitted light: purple nuclei of three classes on pink stroma."""

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from cellseg_monai.data.synthetic.drawing import draw, number
from cellseg_monai.data.synthetic.optics import Camera, Haze, camera_for, expose
from cellseg_monai.data.synthetic.placement import object_count, scatter
from cellseg_monai.data.synthetic.scene import Field, Numbers, Points, Scene, SyntheticImage
from cellseg_monai.data.synthetic.shapes import Outlines, blobs
from cellseg_monai.data.synthetic.textures import grain, smooth_field
from cellseg_monai.label_maps import LabelMap

MICROMETRES = 9.0
"""Diameter of an epithelial nucleus."""

CLASSES = {1: "epithelial", 2: "inflammatory", 3: "connective"}
"""Epithelial nuclei are large and pale, inflammatory ones small, round and dark, connective ones spindles."""

_CAMERAS = (
    Camera(gain=238, offset=4, gamma=1.0, shot=0.015, read=1.2, blur=0.045, haze=0.0, vignette=0.08),
    Camera(gain=205, offset=22, gamma=0.65, shot=0.06, read=2.5, blur=0.075, haze=0.0, vignette=0.25),
)
_HAEMATOXYLIN = np.array([0.68, 0.92, 0.22], np.float32)
_EOSIN = np.array([0.08, 0.50, 0.23], np.float32)
_SIZES = np.array([1.0, 0.65, 0.6])
_DARKNESS = np.array([0.85, 1.9, 1.3])
_STROMA = 0.6


def tissue(scene: Scene) -> SyntheticImage:
    """Draw tissue stained with haematoxylin and eosin; see :func:`~cellseg_monai.data.synthesize`.

    Example:
        >>> sample = tissue(Scene((128, 160), seed=1, density=0.2, diameter=24))
        >>> sample.image.shape, sample.image.dtype, set(sample.classes.values()) <= set(CLASSES)
        ((128, 160, 3), dtype('uint8'), True)
    """
    size, diameter, degradation = scene.size, scene.diameter, scene.degradation
    drawing, staining, exposure = scene.generators(3)
    nests = smooth_field(size, 5 * diameter, drawing)
    # The fibres field rises by 1 per pixel across wavy parallel fibres; its contours are the fibres.
    direction = drawing.uniform(0, 2 * np.pi)
    rise = np.cos(direction) * np.arange(size[0])[:, None] + np.sin(direction) * np.arange(size[1])
    fibres = rise.astype(np.float32) + 1.5 * diameter * smooth_field(size, 6 * diameter, drawing)
    outlines, classes = _population(nests, fibres, scene, drawing)
    label, height = draw(outlines, size)
    label, drawn = number(label)
    classes = classes[drawn]
    haematoxylin = _chromatin(label, height, classes, diameter, staining)
    eosin = np.full(size, _STROMA, np.float32)
    if degradation:
        eosin += degradation * _matrix(nests, fibres, scene, staining)
        haematoxylin += degradation * 0.12 * np.clip(nests, 0, 1)
        haematoxylin += Haze(haematoxylin, 0.6 * diameter, 0.12 * degradation).at(np.arange(size[0]))
    optical_density = haematoxylin[..., None] * _HAEMATOXYLIN + np.maximum(eosin, 0)[..., None] * _EOSIN
    light = np.exp(-optical_density)
    image = expose(light, camera_for(scene, _CAMERAS), diameter, exposure, np.uint8)
    by_id = dict(enumerate(classes.tolist(), start=1))
    return SyntheticImage("tissue", image, label, by_id, MICROMETRES / diameter)


def _population(
    nests: Field, fibres: Field, scene: Scene, random: np.random.Generator
) -> tuple[Outlines, npt.NDArray[np.int64]]:
    """Outlines of nuclei, and the class of each, which depends on its position."""
    size, diameter = scene.size, scene.diameter
    count = object_count(size, scene.density, np.pi / 4 * diameter**2 * 0.7)

    def crowding(points: Points) -> Numbers:
        return np.asarray(expit(2 * nests[tuple(points.astype(np.int64).T)]))

    centres = scatter(count, size, 0.85 * diameter, random, crowding)
    rows, columns = centres.astype(np.int64).T
    classes = np.where(nests[rows, columns] > 0.1, 1, 3)
    classes[random.random(count) < 0.25] = 2
    diameters = diameter * _SIZES[classes - 1] * random.lognormal(0, 0.13, count)
    elongations = 1 + random.gamma(3.0, np.array([0.15, 0.04, 0.9])[classes - 1])
    roughness = np.array([0.05, 0.02, 0.05])[classes - 1]
    outlines = blobs(centres, diameters, elongations, roughness, random)
    padded = np.pad(fibres, 1, mode="edge")
    uphill_rows = padded[rows + 2, columns + 1] - padded[rows, columns + 1]
    uphill_columns = padded[rows + 1, columns + 2] - padded[rows + 1, columns]
    along = np.arctan2(-uphill_columns, uphill_rows) + random.normal(0, 0.15, count)
    return outlines._replace(angles=np.where(classes == 3, along, outlines.angles)), classes


def _chromatin(
    label: LabelMap,
    height: Field,
    classes: npt.NDArray[np.int64],
    diameter: float,
    random: np.random.Generator,
) -> Field:
    """Haematoxylin in the nuclei: mottled, and darker at the envelope."""
    stain = np.zeros(label.shape, np.float32)
    rows, columns = np.nonzero(label)
    owner = label[rows, columns] - 1
    tile = 0.7 * grain(0.1 * diameter, random) + 0.7 * grain(0.22 * diameter, random)
    mottle = tile[rows % len(tile), columns % len(tile)]
    darkness = (_DARKNESS[classes - 1] * random.lognormal(0, 0.2, len(classes)))[owner]
    contrast = np.array([0.32, 0.12, 0.18])[classes - 1][owner]
    thick = height[rows, columns]
    envelope = np.array([0.6, 0.1, 0.2])[classes - 1][owner] * np.exp(-thick / 0.12)
    stain[rows, columns] = darkness * np.maximum(0.85 + contrast * mottle + envelope, 0.35)
    return stain


def _matrix(nests: Field, fibres: Field, scene: Scene, random: np.random.Generator) -> Field:
    """Eosin in addition to the even stroma: wavy fibres, cytoplasm of the nests, and empty clefts."""
    size, diameter = scene.size, scene.diameter
    tile = grain(0.2 * diameter, random)
    stretched = (0.1 * (np.arange(size[0])[:, None] + np.arange(size[1]))).astype(np.int64)
    strands = tile[fibres.astype(np.int64) % len(tile), stretched % len(tile)]
    clefts = np.clip(smooth_field(size, 2.5 * diameter, random) - 1.1, 0, 0.6)
    clouds = smooth_field(size, 0.5 * diameter, random)
    in_stroma = np.clip(0.5 - nests, 0, 1)
    return np.asarray(in_stroma * (0.14 * strands + 0.15) + 0.06 * clouds - 1.0 * clefts * in_stroma)
