"""Label maps of any size for the benchmarks."""

import numpy as np
from scipy import spatial

from cellseg_monai.label_maps import LabelMap

TILE = 1024


def packed_cells(tiles: int, across: int = 28, side: int = TILE) -> LabelMap:
    """Make a square map of `tiles` by `tiles` tiles, each with `across` by `across` cells; many touch."""
    random = np.random.default_rng(0)
    spacing = side / across
    grid = np.stack(np.meshgrid(*[np.arange(across)] * 2), axis=-1).reshape(-1, 2)
    centres = (grid + 0.5 + random.uniform(-0.2, 0.2, grid.shape)) * spacing
    pixels = np.moveaxis(np.indices((side, side)), 0, -1)
    _, nearest = spatial.KDTree(centres).query(pixels, distance_upper_bound=spacing / 2)
    tile = np.where(nearest < len(centres), nearest + 1, 0).astype(np.int32)
    offsets = np.arange(tiles**2, dtype=np.int32).reshape(tiles, tiles) * len(centres)
    cells = np.tile(tile, (tiles, tiles))
    return np.where(cells > 0, cells + np.kron(offsets, np.ones((side, side), np.int32)), 0)
