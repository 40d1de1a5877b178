"""Rectangles and ellipses, also turned, as rings of corners."""

from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

from cellseg_monai.memory import require_room

Ring = npt.NDArray[np.float64]


def rectangle(left: float, top: float, right: float, bottom: float, degrees: float = 0) -> Ring:
    """Return the corners of a rectangle, turned clockwise around its centre.

    Example:
        >>> rectangle(0, 0, 4, 2, 90).round().tolist()
        [[3.0, -1.0], [3.0, 3.0], [1.0, 3.0], [1.0, -1.0]]
    """
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)
    centre = corners.mean(axis=0)
    return np.asarray(centre + _turned(corners - centre, degrees), np.float64)


def ellipse(x: float, y: float, across: float, down: float, degrees: float = 0) -> Ring:
    """Return corners on an ellipse; between them the ring is less than 0.001 pixels inside it.

    Args:
        x: column coordinate of the centre.
        y: row coordinate of the centre.
        across: half axis along x.
        down: half axis along y.
        degrees: angle by which the ellipse is turned clockwise.

    Example:
        >>> circle = ellipse(5, 5, 3, 3)
        >>> np.hypot(*(circle - 5).T).round(6).tolist() == [3.0] * len(circle)
        True
    """
    corners = max(100, ceil(100 * sqrt(max(across, down))))
    require_room((corners, 2), 8, "check the size of the ellipse in the file")
    angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.array([x, y]) + _turned(
        np.stack([across * np.cos(angles), down * np.sin(angles)], axis=1), degrees
    )


def inscribed_ellipse(corners: Ring) -> Ring:
    """Return the ellipse inside a rectangle, which may be turned, given by its four corners in turn.

    Example:
        >>> inside = inscribed_ellipse(np.array([[0, 0], [4, 0], [4, 2], [0, 2]]))
        >>> inside.min(axis=0).round(3).tolist(), inside.max(axis=0).round(3).tolist()
        ([0.0, 0.0], [4.0, 2.0])
    """
    centre = corners.mean(axis=0)
    first, second = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    radius = max(float(np.linalg.norm(first)), float(np.linalg.norm(second)), 1e-9)
    unit = ellipse(0, 0, radius, radius) / radius
    return np.asarray(centre + unit[:, :1] * first + unit[:, 1:] * second, np.float64)


def _turned(points: Ring, degrees: float) -> Ring:
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray(points @ turn, np.float64)
