"""Outlines of many objects at once, each as a table of radii by angle."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from cellseg_monai.data.synthetic.scene import Numbers, Points

Radii = npt.NDArray[np.float32]

_ANGLES = 256
_THETA = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False, dtype=np.float32)


class Outlines(NamedTuple):
    """Star-shaped outlines that are bent and rotated.

    Attributes:
        centres: row and column of each object.
        radii: array of shape (objects, 256) with the radius over a full turn, in pixels.
        angles: rotation of each object in radians.
        bends: curvature of the long axis in 1/pixels; 0 for a straight object.
    """

    centres: Points
    radii: Radii
    angles: Numbers
    bends: Numbers

    @property
    def areas(self) -> Numbers:
        """Area of each object in square pixels, including parts outside the image."""
        areas: Numbers = np.pi * (self.radii.astype(np.float64) ** 2).mean(axis=1)
        return areas


def blobs(
    centres: Points, diameters: Numbers, elongations: Numbers, roughness: Numbers, random: np.random.Generator
) -> Outlines:
    """Return nuclei: ellipses whose radius is modulated by a few Fourier waves.

    Args:
        centres: row and column of each object.
        diameters: diameter of the disc with the same area, in pixels.
        elongations: ratio of long to short axis; 1 for a round object.
        roughness: height of the waves; 0 for an ellipse, 0.05 for a nucleus, 0.2 for a lobed nucleus.
        random: random generator for the waves and the direction.

    Example:
        >>> one = np.ones(1)
        >>> disc = blobs(np.array([[5.0, 5.0]]), 8 * one, one, 0 * one, np.random.default_rng(0))
        >>> disc.radii.min().round(6), disc.radii.max().round(6)
        (np.float32(4.0), np.float32(4.0))
    """
    count = len(centres)
    radii = np.ones((count, _ANGLES), np.float32)
    for wave in range(2, 7):
        for direction in (np.cos(wave * _THETA), np.sin(wave * _THETA)):
            heights = roughness * random.normal(0, 0.7, count) * (2 / wave) ** 1.5
            radii += np.multiply.outer(heights.astype(np.float32), direction)
    radii = np.maximum(radii, 0.4) * _ellipses(elongations)
    return Outlines(
        centres, _with_area(radii, diameters), random.uniform(0, 2 * np.pi, count), np.zeros(count)
    )


def discs(centres: Points, diameters: Numbers) -> Outlines:
    """Return discs, for specks and for the steps of a filament.

    Args:
        centres: row and column of each disc.
        diameters: diameter of each disc in pixels.

    Example:
        >>> discs(np.zeros((2, 2)), np.array([2.0, 4.0])).areas.round(3)
        array([ 3.142, 12.566])
    """
    radii = np.broadcast_to((diameters / 2).astype(np.float32)[:, None], (len(centres), _ANGLES))
    straight = np.zeros(len(centres))
    return Outlines(centres, radii, straight, straight)


def spindles(centres: Points, diameters: Numbers, random: np.random.Generator) -> Outlines:
    """Return adherent cells: flat bodies with two to four arms.

    Args:
        centres: row and column of each cell.
        diameters: diameter of the disc with the same area, in pixels.
        random: random generator.

    Example:
        >>> cells = spindles(np.zeros((3, 2)), np.full(3, 60.0), np.random.default_rng(0))
        >>> (cells.areas / (np.pi * 30**2)).round(6)
        array([1., 1., 1.])
    """
    count = len(centres)
    radii = 0.7 * _ellipses(random.uniform(1.0, 2.0, count))
    for arm, present in enumerate((1.0, 0.9, 0.5, 0.3)):
        direction = (np.pi * arm, np.pi * arm + np.pi / 2)[arm > 1] + random.normal(0, 0.35, count)
        length = random.uniform(1.0, 4.0, count) * (random.random(count) < present)
        width = random.uniform(0.12, 0.32, count)
        away = (_THETA - direction[:, None] + np.pi) % (2 * np.pi) - np.pi
        radii += length[:, None] * np.exp(-(np.abs(away / width[:, None]) ** 0.75))
    for wave in (5, 8, 13, 21):
        heights, phases = random.uniform(0, 0.25, count) / wave**0.75, random.uniform(0, 2 * np.pi, count)
        radii *= 1 + heights[:, None] * np.cos(wave * _THETA + phases[:, None])
    bends = random.normal(0, 0.25, count) / diameters
    return Outlines(centres, _with_area(radii, diameters), random.uniform(0, 2 * np.pi, count), bends)


def _ellipses(elongations: Numbers) -> Radii:
    stretch = elongations.astype(np.float32)[:, None]
    return np.asarray(1 / np.sqrt(np.cos(_THETA) ** 2 / stretch + np.sin(_THETA) ** 2 * stretch), np.float32)


def _with_area(radii: Radii, diameters: Numbers) -> Radii:
    factors = diameters / 2 / np.sqrt((radii**2).mean(axis=1))
    return np.asarray(radii * factors[:, None], np.float32)
