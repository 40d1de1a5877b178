"""Fluorescent filaments: thin bright threads that wander, taper and branch."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from cellseg_monai.data.synthetic.drawing import overlay
from cellseg_monai.data.synthetic.nuclei import fluoresce
from cellseg_monai.data.synthetic.scene import Numbers, Points, Scene, Size, SyntheticImage
from cellseg_monai.data.synthetic.shapes import discs

MICROMETRES = 2.0
"""Diameter of the root of a filament."""

_STEP = 0.25
_LENGTH = 70.0
_BRANCHES_PER_LENGTH = 2.5


class Tips(NamedTuple):
    """Growing ends of filaments, or all points that they passed.

    Attributes:
        points: row and column of each point.
        headings: direction of growth in radians.
        turns: change of direction in radians per pixel.
        widths: diameter of the filament at each point, in pixels.
        brightness: brightness of the filament at each point.
        remaining: length that is left to grow, in pixels.
    """

    points: Points
    headings: Numbers
    turns: Numbers
    widths: Numbers
    brightness: Numbers
    remaining: Numbers


def filaments(scene: Scene) -> SyntheticImage:
    """Draw branching filaments in fluorescence; see :func:`~cellseg_monai.data.synthesize`.

    Example:
        >>> sample = filaments(Scene((96, 128), seed=1, density=0.08, diameter=5))
        >>> sample.image.dtype, np.unique(sample.label).tolist()
        (dtype('uint16'), [0, 1])
    """
    drawing, exposure = scene.generators(2)
    light = np.zeros(scene.size, np.float32)
    wanted = scene.density * light.size
    while np.count_nonzero(light) < 0.9 * wanted:
        missing = wanted - np.count_nonzero(light)
        roots = max(1, int(missing / (1.2 * _LENGTH * scene.diameter**2)))
        threads = grow(roots, scene.size, scene.diameter, drawing)
        overlay(light, discs(threads.points, threads.widths), threads.brightness)
    label = (light > 0).astype(np.int32)
    light[light > 0] = 0.25 + 0.75 * np.sqrt(light[light > 0])
    image = fluoresce(light, replace(scene, diameter=3 * scene.diameter), exposure)
    return SyntheticImage("filaments", image, label, None, MICROMETRES / scene.diameter)


def grow(roots: int, size: Size, diameter: float, random: np.random.Generator) -> Tips:
    """Grow filaments from random roots in both directions, all tips together.

    Args:
        roots: number of roots.
        size: rows and columns of the field; filaments stop growing outside.
        diameter: diameter at the root, in pixels.
        random: random generator.

    Example:
        >>> threads = grow(3, (100, 100), diameter=5, random=np.random.default_rng(0))
        >>> threads.points.shape[1], bool(threads.widths.max() <= 5)
        (2, True)
    """
    halves = Tips(
        random.uniform((0, 0), size, (roots, 2)),
        random.uniform(0, 2 * np.pi, roots),
        np.zeros(roots),
        diameter * random.uniform(0.7, 1.0, roots),
        random.lognormal(0, 0.3, roots),
        diameter * _LENGTH * random.uniform(0.3, 0.8, roots),
    )
    tips = Tips._make(np.concatenate([part, part]) for part in halves)
    tips.headings[roots:] += np.pi
    grown = []
    while len(tips.points):
        beads = 1 + 0.12 * random.standard_normal(len(tips.points))
        grown.append(tips._replace(brightness=tips.brightness * beads))
        tips = _fork(_advance(tips, size, diameter, random), diameter, random)
    return Tips._make(np.concatenate(part) for part in zip(*grown, strict=True))


def _advance(tips: Tips, size: Size, diameter: float, random: np.random.Generator) -> Tips:
    steps = _STEP * tips.widths
    turns = 0.96 * tips.turns + random.normal(0, 0.02, len(tips.turns)) / diameter
    headings = tips.headings + turns * steps
    points = tips.points + steps[:, None] * np.stack([np.sin(headings), np.cos(headings)], axis=1)
    widths = np.maximum(tips.widths * 0.9985, min(0.3 * diameter, 1.5))
    moved = Tips(points, headings, turns, widths, tips.brightness, tips.remaining - steps)
    outside = ((points < -diameter) | (points > np.array(size) + diameter)).any(axis=1)
    return Tips(*(part[(moved.remaining > 0) & ~outside] for part in moved))


def _fork(tips: Tips, diameter: float, random: np.random.Generator) -> Tips:
    chance = _BRANCHES_PER_LENGTH * _STEP * tips.widths / (_LENGTH * diameter)
    forks = (random.random(len(chance)) < chance) & (tips.widths > 0.35 * diameter)
    parents = Tips(*(part[forks] for part in tips))
    count = len(parents.points)
    side = random.choice([-1.0, 1.0], count)
    branches = parents._replace(
        headings=parents.headings + side * random.uniform(0.4, 1.0, count),
        turns=-side * 0.1 / diameter,
        widths=parents.widths * random.uniform(0.55, 0.8, count),
        brightness=parents.brightness * 0.85,
        remaining=parents.remaining * random.uniform(0.4, 0.9, count),
    )
    return Tips._make(np.concatenate(pair) for pair in zip(tips, branches, strict=True))
