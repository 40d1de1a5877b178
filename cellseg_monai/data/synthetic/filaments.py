"""Fluorescent filaments: thin bright threads that wander, taper and branch."""

from typing import NamedTuple

import numpy as np

from cellseg_monai.data.synthetic.drawing import overlay
from cellseg_monai.data.synthetic.fluorescence import photograph
from cellseg_monai.data.synthetic.image import Size, SyntheticImage, check_knobs
from cellseg_monai.data.synthetic.placement import Points
from cellseg_monai.data.synthetic.shapes import Numbers, discs

MICROMETRES = 2.0
"""Diameter of the root of a filament."""

_STEP = 0.25
_LENGTH = 70.0
_BRANCHES_PER_LENGTH = 2.5


class Threads(NamedTuple):
    """Points along filaments.

    Attributes:
        points: row and column of each.
        widths: diameter of the filament there, in pixels.
        brightness: of the filament there.
    """

    points: Points
    widths: Numbers
    brightness: Numbers


class _Tips(NamedTuple):
    points: Points
    headings: Numbers
    turns: Numbers  # radians per pixel
    widths: Numbers
    brightness: Numbers
    remaining: Numbers


def filaments(
    size: Size = (256, 256),
    *,
    seed: int = 0,
    density: float = 0.08,
    diameter: float = 5.0,
    shift: float = 0.0,
    degradation: float = 1.0,
) -> SyntheticImage:
    """Branching filaments under a fluorescence microscope, uint16, with a binary truth.

    Args:
        size: rows and columns.
        seed: the same seed gives the same bytes.
        density: share of the image that filaments cover; 0 for an empty image with noise.
        diameter: of a filament at its root, in pixels. It fixes the pixel size: 2 µm.
        shift: 0 for the first intensity domain, 1 for the second; the truth does not depend on it.
        degradation: 1 for a usual microscope; 0 for no blur, haze, specks or noise, so that a threshold just
            above the background gives exactly the truth.

    Returns:
        Image and truth; the label map holds 1 on every filament, for crossing filaments are one network.

    Raises:
        ValueError: a knob lies outside its limits.

    Example:
        >>> sample = filaments((96, 128), seed=1)
        >>> sample.image.dtype, np.unique(sample.label).tolist()
        (dtype('uint16'), [0, 1])
    """
    check_knobs(size, density, diameter, shift, degradation)
    drawing, exposure = map(np.random.default_rng, np.random.SeedSequence(seed).spawn(2))
    light = np.zeros(size, np.float32)
    wanted = density * light.size
    while np.count_nonzero(light) < 0.9 * wanted:
        missing = wanted - np.count_nonzero(light)
        roots = max(1, int(missing / (1.2 * _LENGTH * diameter**2)))
        threads = grow(roots, size, diameter, drawing)
        overlay(light, discs(threads.points, threads.widths), threads.brightness)
    label = (light > 0).astype(np.int32)
    light[light > 0] = 0.25 + 0.75 * np.sqrt(light[light > 0])
    image = photograph(light, 3 * diameter, shift, degradation, exposure)
    return SyntheticImage("filaments", image, label, None, MICROMETRES / diameter)


def grow(roots: int, size: Size, diameter: float, random: np.random.Generator) -> Threads:
    """Let filaments grow from random roots both ways, all tips together, until each has its length.

    Args:
        roots: how many start.
        size: rows and columns of the field; what leaves it stops growing.
        diameter: at the root, in pixels.
        random: source of chance.

    Example:
        >>> threads = grow(3, (100, 100), diameter=5, random=np.random.default_rng(0))
        >>> threads.points.shape[1], bool(threads.widths.max() <= 5)
        (2, True)
    """
    halves = _Tips(
        random.uniform((0, 0), size, (roots, 2)),
        random.uniform(0, 2 * np.pi, roots),
        np.zeros(roots),
        diameter * random.uniform(0.7, 1.0, roots),
        random.lognormal(0, 0.3, roots),
        diameter * _LENGTH * random.uniform(0.3, 0.8, roots),
    )
    tips = _Tips(*(np.concatenate([part, part]) for part in halves))
    tips.headings[roots:] += np.pi
    grown = []
    while len(tips.points):
        beads = 1 + 0.12 * random.standard_normal(len(tips.points))
        grown.append(Threads(tips.points, tips.widths, tips.brightness * beads))
        tips = _fork(_advance(tips, size, diameter, random), diameter, random)
    return Threads(*(np.concatenate(part) for part in zip(*grown, strict=True)))


def _advance(tips: _Tips, size: Size, diameter: float, random: np.random.Generator) -> _Tips:
    steps = _STEP * tips.widths
    turns = 0.96 * tips.turns + random.normal(0, 0.02, len(tips.turns)) / diameter
    headings = tips.headings + turns * steps
    points = tips.points + steps[:, None] * np.stack([np.sin(headings), np.cos(headings)], axis=1)
    moved = _Tips(
        points,
        headings,
        turns,
        np.maximum(tips.widths * 0.9985, min(0.3 * diameter, 1.5)),
        tips.brightness,
        tips.remaining - steps,
    )
    outside = ((points < -diameter) | (points > np.array(size) + diameter)).any(axis=1)
    return _Tips(*(part[(moved.remaining > 0) & ~outside] for part in moved))


def _fork(tips: _Tips, diameter: float, random: np.random.Generator) -> _Tips:
    chance = _BRANCHES_PER_LENGTH * _STEP * tips.widths / (_LENGTH * diameter)
    forks = (random.random(len(chance)) < chance) & (tips.widths > 0.35 * diameter)
    parents = _Tips(*(part[forks] for part in tips))
    count = len(parents.points)
    side = random.choice([-1.0, 1.0], count)
    branches = _Tips(
        parents.points,
        parents.headings + side * random.uniform(0.4, 1.0, count),
        -side * 0.1 / diameter,
        parents.widths * random.uniform(0.55, 0.8, count),
        parents.brightness * 0.85,
        parents.remaining * random.uniform(0.4, 0.9, count),
    )
    return _Tips(*(np.concatenate(pair) for pair in zip(tips, branches, strict=True)))
