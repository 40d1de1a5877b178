"""Measurements of a large map, compared with scikit-image: `python benchmarks/measure.py [--quick]`."""

import argparse
import os

import numpy as np
from cells import packed_cells
from harness import compare
from skimage.measure import regionprops_table

from cellseg_monai.analysis import measure_cells
from cellseg_monai.label_maps import LabelMap

TILE = 1000
CELLS_ACROSS_TILE = 32

# Properties of measure_cells that scikit-image has too; it lacks quantiles, background, neighbours, pieces.
PROPERTIES = (
    "label", "area", "centroid", "bbox", "perimeter", "perimeter_crofton", "axis_major_length",
    "axis_minor_length", "eccentricity", "orientation", "solidity", "feret_diameter_max", "intensity_mean",
    "intensity_median", "intensity_std",
)  # fmt: skip


def noise(cells: LabelMap) -> np.ndarray:
    """Make a 12-bit image."""
    return np.random.default_rng(1).integers(0, 4096, cells.shape, dtype=np.uint16)


def main() -> None:
    """Print one table for the large map, and one with scikit-image for one tile: more would take minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one tile instead of 100, a few seconds")
    tiles = 1 if parser.parse_args().quick else 10
    cells = packed_cells(tiles, CELLS_ACROSS_TILE, TILE)
    image = noise(cells)
    compare(
        f"All columns, {cells.shape[0]:,} x {cells.shape[1]:,} pixels, {cells.max():,} cells, 1 channel, "
        f"{os.cpu_count()} cores",
        {
            "analysis.measure_cells": lambda: measure_cells(cells, image, pixel_size=0.5),
            "without an image": lambda: measure_cells(cells, pixel_size=0.5),
        },
        1,
    )
    few = packed_cells(1, CELLS_ACROSS_TILE, TILE)
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
