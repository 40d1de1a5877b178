"""Measuring a large map, and against scikit-image: `python benchmarks/measure.py [--quick]`."""

import argparse
import os

import numpy as np
from harness import compare
from scipy import spatial
from skimage.measure import regionprops_table

from cellseg_monai.analysis import measure_cells
from cellseg_monai.label_maps import LabelMap

TILE = 1000
CELLS_ACROSS_TILE = 32

# What scikit-image has of what measure_cells gives; it has no quantiles, background, neighbours or pieces.
PROPERTIES = (
    "label", "area", "centroid", "bbox", "perimeter", "perimeter_crofton", "axis_major_length",
    "axis_minor_length", "eccentricity", "orientation", "solidity", "feret_diameter_max", "intensity_mean",
    "intensity_median", "intensity_std",
)  # fmt: skip


def packed_cells(tiles: int) -> LabelMap:
    """A square map of `tiles` by `tiles` tiles, each with 1,024 cells, many of which touch."""
    random = np.random.default_rng(0)
    spacing = TILE / CELLS_ACROSS_TILE
    grid = np.stack(np.meshgrid(*[np.arange(CELLS_ACROSS_TILE)] * 2), axis=-1).reshape(-1, 2)
    centres = (grid + 0.5 + random.uniform(-0.2, 0.2, grid.shape)) * spacing
    pixels = np.moveaxis(np.indices((TILE, TILE)), 0, -1)
    _, nearest = spatial.KDTree(centres).query(pixels, distance_upper_bound=spacing / 2)
    tile = np.where(nearest < len(centres), nearest + 1, 0).astype(np.int32)
    offsets = np.arange(tiles**2, dtype=np.int32).reshape(tiles, tiles) * len(centres)
    cells = np.tile(tile, (tiles, tiles))
    return np.where(cells > 0, cells + np.kron(offsets, np.ones((TILE, TILE), np.int32)), 0)


def noise(cells: LabelMap) -> np.ndarray:
    """A 12-bit image."""
    return np.random.default_rng(1).integers(0, 4096, cells.shape, dtype=np.uint16)


def main() -> None:
    """Print one table for the large map and one against scikit-image, on one tile: it would take minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one tile instead of 100, a few seconds")
    tiles = 1 if parser.parse_args().quick else 10
    cells, image = packed_cells(tiles), noise(packed_cells(tiles))
    compare(
        f"All columns, {cells.shape[0]:,} x {cells.shape[1]:,} pixels, {cells.max():,} cells, 1 channel, "
        f"{os.cpu_count()} cores",
        {
            "analysis.measure_cells": lambda: measure_cells(cells, image, pixel_size=0.5),
            "without an image": lambda: measure_cells(cells, pixel_size=0.5),
        },
        1,
    )
    few = packed_cells(1)
    brightness = noise(few)
    compare(
        f"{TILE:,} x {TILE:,} pixels, {few.max():,} cells, 1 channel",
        {
            "analysis.measure_cells, all columns": lambda: measure_cells(few, brightness, pixel_size=0.5),
            f"skimage.measure.regionprops_table, {len(PROPERTIES)} properties": lambda: regionprops_table(
                few, brightness, properties=PROPERTIES, spacing=(0.5, 0.5)
            ),
        },
        3,
    )


if __name__ == "__main__":
    main()
