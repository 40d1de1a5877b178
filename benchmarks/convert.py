"""Label maps to outlines and back, compared with other ways: `python benchmarks/convert.py [--quick]`."""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from cells import packed_cells
from harness import compare
from scipy import ndimage
from skimage import draw, measure

from cellseg_monai import export, polygons
from cellseg_monai.label_maps import LabelMap


def contours(mask: np.ndarray) -> list[np.ndarray]:
    """Trace a mask with scikit-image, half way between pixels: corners are cut off."""
    return measure.find_contours(np.pad(mask, 1), 0.5)


def cell_by_cell_in_boxes(cells: LabelMap) -> int:
    """Trace each cell in its bounding box."""
    boxes = ndimage.find_objects(cells)
    return sum(len(contours(cells[box] == number)) for number, box in enumerate(boxes, start=1) if box)


def cell_by_cell(cells: LabelMap, count: int) -> int:
    """Trace the first cells, each in the whole image, as simple scripts do."""
    return sum(len(contours(cells == number)) for number in range(1, count + 1))


def drawn_cell_by_cell(traced: list[export.Outline], shape: tuple[int, int]) -> LabelMap:
    """Draw a label map from outlines, one polygon at a time; holes are ignored."""
    cells = np.zeros(shape, np.int32)
    for one in traced:
        for polygon in one.polygons:
            across, down = polygon[0].T - 0.5
            cells[draw.polygon(down, across, shape)] = one.id
    return cells


def main() -> None:
    """Print one table for each direction, and one for files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="784 cells instead of 12,544")
    quick = parser.parse_args().quick
    cells = packed_cells(1 if quick else 4)
    repeats, few = (3, 784) if quick else (3, 200)
    size = f"{cells.shape[0]:,} x {cells.shape[1]:,} pixels, {cells.max():,} cells, {os.cpu_count()} cores"
    traced = export.outlines(cells)
    rings = [(one.id, one.rings) for one in traced]
    assert (polygons.fill(rings, cells.shape).label_map == cells).all()

    compare(
        f"Outlines, {size}",
        {
            "export.outlines": lambda: export.outlines(cells),
            "skimage.measure.find_contours, box by box": lambda: cell_by_cell_in_boxes(cells),
            f"the same in the whole image, first {few} cells": lambda: cell_by_cell(cells, few),
        },
        repeats,
    )
    compare(
        f"Outlines to a label map, {size}",
        {
            "polygons.fill": lambda: polygons.fill(rings, cells.shape),
            "skimage.draw.polygon, cell by cell": lambda: drawn_cell_by_cell(traced, cells.shape),
        },
        repeats,
    )
    with tempfile.TemporaryDirectory() as folder:
        geojson, rois = Path(folder) / "a.geojson", Path(folder) / "a.zip"
        compare(
            f"Files, {size}",
            {
                "write_geojson": lambda: export.write_geojson(geojson, cells),
                "read_geojson": lambda: export.read_geojson(geojson),
                "write_rois": lambda: export.write_rois(rois, cells),
                "read_rois": lambda: export.read_rois(rois),
            },
            repeats,
        )


if __name__ == "__main__":
    main()
