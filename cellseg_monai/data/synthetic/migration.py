"""Motion of nuclei: they move, keep apart and divide, frame by frame. Nothing is drawn here."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from cellseg_monai.data.synthetic.placement import object_count, scatter
from cellseg_monai.data.synthetic.scene import Numbers, Points, Scene

ADULT = 8.0
"""Frames from birth to full size; younger nuclei do not divide."""

_PERSISTENCE = 0.8
_MARGIN = 1.5


class Moment(NamedTuple):
    """The nuclei of one frame, including those outside the field.

    Attributes:
        names: number of each nucleus, which is the same in all frames.
        centres: row and column of each nucleus.
        angles: direction of each nucleus in radians.
        ages: frames since birth.
        dividing: whether the nucleus divides into two daughters before the next frame.
    """

    names: npt.NDArray[np.int64]
    centres: Points
    angles: Numbers
    ages: Numbers
    dividing: npt.NDArray[np.bool_]


class Migration(NamedTuple):
    """A whole movie.

    Attributes:
        moments: nuclei of each frame.
        mothers: name of the mother of each nucleus, -1 for nuclei of the first frame.
    """

    moments: list[Moment]
    mothers: npt.NDArray[np.int64]


def migrate(
    frames: int, scene: Scene, speed: float, division_rate: float, random: np.random.Generator
) -> Migration:
    """Move nuclei with persistent directions, push them apart and divide them.

    The world is larger than the field by a margin, so nuclei enter and leave the field. A nucleus that
    reaches the end of the margin comes back on the other side.

    Args:
        frames: number of frames.
        scene: settings of the first frame; its diameter is that of a full-grown nucleus.
        speed: typical path per frame, in diameters.
        division_rate: probability per frame that a full-grown nucleus divides.
        random: random generator.

    Example:
        >>> scene = Scene((64, 64), seed=0, density=0.2, diameter=16)
        >>> history = migrate(9, scene, speed=0.1, division_rate=0.1, random=np.random.default_rng(0))
        >>> len(history.moments), len(history.moments[0].names), len(history.mothers)
        (9, 12, 18)
    """
    diameter = scene.diameter
    margin = _MARGIN * diameter
    world = (scene.size[0] + 2 * margin, scene.size[1] + 2 * margin)
    span = (int(world[0]), int(world[1]))
    count = object_count(span, scene.density, np.pi / 4 * diameter**2)
    centres = scatter(count, span, diameter, random)
    velocities = random.standard_normal((count, 2))
    mothers = np.full(count, -1)
    angles, ages = random.uniform(0, 2 * np.pi, count), random.uniform(0, 3 * ADULT, count)
    now = Moment(np.arange(count), centres, angles, ages, np.zeros(count, bool))
    moments = []
    for frame in range(frames):
        if frame:
            now, velocities, mothers = _divide(now, velocities, mothers, diameter, random)
            chance = random.standard_normal(velocities.shape)
            velocities = _PERSISTENCE * velocities + np.sqrt(1 - _PERSISTENCE**2) * chance
            moved = _keep_apart(now.centres + speed * diameter * velocities, diameter) % world
            turned = now.angles + random.normal(0, 0.05, len(moved))
            now = now._replace(centres=moved, angles=turned, ages=now.ages + 1)
        ripe = (now.ages >= ADULT) & (random.random(len(now.names)) < division_rate)
        now = now._replace(dividing=ripe)
        moments.append(now._replace(centres=now.centres - margin))
    return Migration(moments, mothers)


def _divide(
    now: Moment,
    velocities: Points,
    mothers: npt.NDArray[np.int64],
    diameter: float,
    random: np.random.Generator,
) -> tuple[Moment, Points, npt.NDArray[np.int64]]:
    """Replace each dividing nucleus with two daughters side by side that move apart."""
    splits = now.dividing
    count = int(splits.sum())
    axis = random.uniform(0, np.pi, count)
    apart = np.stack([np.sin(axis), np.cos(axis)], axis=1)
    places, ways = now.centres[splits], velocities[splits]
    daughters = Moment(
        np.arange(len(mothers), len(mothers) + 2 * count),
        np.concatenate([places + 0.4 * diameter * apart, places - 0.4 * diameter * apart]),
        np.concatenate([axis, axis]) + np.pi / 2,
        np.full(2 * count, -1.0),
        np.zeros(2 * count, bool),
    )
    parents = now.names[splits]
    after = Moment(*(np.concatenate([old[~splits], new]) for old, new in zip(now, daughters, strict=True)))
    fleeing = np.concatenate([velocities[~splits], ways + apart, ways - apart])
    return after, fleeing, np.concatenate([mothers, parents, parents])


def _keep_apart(centres: Points, diameter: float) -> Points:
    """Move pairs that are closer than a diameter half of the way to that distance."""
    pairs = cKDTree(centres).query_pairs(diameter, output_type="ndarray")
    between = centres[pairs[:, 0]] - centres[pairs[:, 1]]
    distance = np.linalg.norm(between, axis=1, keepdims=True)
    push = between / np.maximum(distance, 1e-6) * (diameter - distance) / 4
    pushed = centres.copy()
    np.add.at(pushed, pairs[:, 0], push)
    np.add.at(pushed, pairs[:, 1], -push)
    return pushed
