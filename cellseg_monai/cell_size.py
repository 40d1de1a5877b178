"""Size of the cells of an image: how it is measured, and how it is passed on."""

import numpy as np
from monai.data import MetaTensor

from cellseg_monai.label_maps import LabelMap

CELL_DIAMETER = "cell_diameter"
"""Diameter of the typical cell in pixels, in the metadata of an image."""

NETWORK_SCALE = "network_scale"
"""Size at which a network saw an image, as a fraction of the image, in the metadata of its output."""


def cell_diameter(ids: LabelMap) -> float | None:
    """Diameter of the disc that has the area of the typical cell; None if there is no cell.

    Half of the pixels of all cells are in cells at least as large as the typical one, so many specks do not
    change it. Cells that the edge of the image cuts count only if there are no others.

    Args:
        ids: label map without channel axis.

    Example:
        >>> ids = np.zeros((9, 9), np.int32)
        >>> ids[2:6, 2:6] = 7
        >>> round(cell_diameter(ids), 2)  # of 16 pixels
        4.51
    """
    areas = np.bincount(ids.ravel())
    areas[0] = 0
    whole = areas.copy()
    for axis in range(ids.ndim):
        for end in (0, -1):
            whole[ids.take(end, axis)] = 0
    counted = np.sort(whole if whole.any() else areas)
    if not counted.any():
        return None
    pixels = np.cumsum(counted)
    typical = counted[np.searchsorted(pixels, pixels[-1] / 2)]
    return 2 * float(np.sqrt(typical / np.pi))


def known_diameter(image: object) -> float | None:
    """Diameter of the cells that the metadata of an image name; None for no metadata, and for no cells.

    Example:
        >>> import torch
        >>> known_diameter(MetaTensor(torch.zeros(1, 4, 4), meta={"cell_diameter": 12.0}))
        12.0
    """
    value = image.meta.get(CELL_DIAMETER) if isinstance(image, MetaTensor) else None
    return None if value is None else float(np.ravel(value)[0]) or None
