"""How nuclei move, keep apart and divide, frame by frame; nothing is drawn here."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from cellseg_monai.data.synthetic.image import Size
from cellseg_monai.data.synthetic.placement import Points, object_count, scatter
from cellseg_monai.data.synthetic.shapes import Numbers

ADULT = 8.0
"""Frames from birth to full size, before which no nucleus divides."""

_PERSISTENCE = 0.8
_MARGIN = 1.5


class Moment(NamedTuple):
    """The nuclei of one frame, also those outside the field.

    Attributes:
        names: number of each nucleus, the same in all frames.
        centres: row and column.
        angles: direction, in radians.
        ages: frames since birth.
        dividing: about to divide; in the next frame two daughters stand in its place.
    """

    names: npt.NDArray[np.int64]
    centres: Points
    angles: Numbers
    ages: Numbers
    dividing: npt.NDArray[np.bool_]


class Migration(NamedTuple):
    """A whole history.

    Attributes:
        moments: one for each frame.
        mothers: name of the mother by the name of each nucleus, -1 for those of the beginning.
    """

    moments: list[Moment]
    mothers: npt.NDArray[np.int64]


def migrate(
    frames: int,
    size: Size,
    density: float,
    diameter: float,
    speed: float,
    division_rate: float,
    random: np.random.Generator,
) -> Migration:
    """Let nuclei walk persistently, push each other apart and divide.

    The world is wider than the field by a margin in which nuclei cannot be seen, so they enter and leave. One
    that reaches the end of the margin comes back on the other side.

    Args:
        frames: number of frames.
        size: rows and columns of the field.
        density: share of the field that nuclei cover in the beginning.
        diameter: of a full-grown nucleus in pixels.
        speed: typical path per frame, in diameters.
        division_rate: chance of a full-grown nucleus to divide, per frame.
        random: source of chance.

    Example:
        >>> history = migrate(9, (64, 64), 0.2, 16, 0.1, 0.1, np.random.default_rng(0))
        >>> len(history.moments), len(history.moments[0].names), len(history.mothers)
        (9, 12, 18)
    """
    margin = _MARGIN * diameter
    world = (size[0] + 2 * margin, size[1] + 2 * margin)
    span = (int(world[0]), int(world[1]))
    count = object_count(span, density, np.pi / 4 * diameter**2)
    centres = scatter(count, span, diameter, random)
    velocities = random.standard_normal((count, 2))
    mothers = np.full(count, -1)
    now = Moment(
        np.arange(count),
        centres,
        random.uniform(0, 2 * np.pi, count),
        random.uniform(0, 3 * ADULT, count),
        np.zeros(count, bool),
    )
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
    """Replace each dividing nucleus by two daughters side by side; they flee from each other."""
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
    after = Moment(
        *(np.concatenate([old[~splits], new]) for old, new in zip(now, daughters, strict=True)),
    )
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
