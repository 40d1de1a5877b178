"""Label maps compared with NumPy, SciPy and scikit-image: `python benchmarks/label_maps.py [--quick]`."""

import argparse
import os

import cc3d
import numpy as np
from cells import packed_cells
from harness import compare
from scipy import ndimage, sparse
from skimage import measure, segmentation

from cellseg_monai import label_maps
from cellseg_monai.label_maps import LabelMap


def moved_and_shuffled(cells: LabelMap) -> LabelMap:
    """Shift the cells by three pixels and change their ids, as if another method had found them."""
    ids = np.random.default_rng(1).permutation(cells.max()).astype(np.int32) + 1
    return np.append(np.int32(0), ids)[np.roll(cells, (3, 2), axis=(0, 1))]


def unique_keys(first: LabelMap, second: LabelMap) -> tuple[np.ndarray, ...]:
    """Overlap from one key per pixel."""
    keys = first.ravel().astype(np.int64) * (int(second.max()) + 1) + second.ravel()
    return np.unique(keys, return_counts=True)


def sparse_pixels(first: LabelMap, second: LabelMap) -> sparse.csr_array:
    """Overlap from a sparse matrix with one entry per pixel."""
    ones = np.ones(first.size, np.int64)
    return sparse.coo_array((ones, (first.ravel(), second.ravel()))).tocsr()


def components_of_each_id(cells: LabelMap) -> int:
    """Components with scipy.ndimage, one id at a time, because it supports only masks."""
    return sum(
        ndimage.label(cells[box] == number, np.ones((3, 3)))[1]
        for number, box in enumerate(ndimage.find_objects(cells), start=1)
    )


def pairs_by_rolling(cells: LabelMap) -> np.ndarray:
    """Touching pairs from four rolled copies and sorted rows."""
    padded = np.pad(cells, 1)
    found = []
    for step in [(0, 1), (1, 0), (1, 1), (1, -1)]:
        other = np.roll(padded, step, axis=(0, 1))
        touching = (padded > 0) & (other > 0) & (padded != other)
        found.append(np.sort(np.stack([padded[touching], other[touching]], axis=1), axis=1))
    return np.unique(np.concatenate(found), axis=0)


def main() -> None:
    """Print one table for each function that other libraries have too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one tile instead of 64, a few seconds")
    quick = parser.parse_args().quick
    tiles, repeats = (1, 3) if quick else (8, 5)

    cells = packed_cells(tiles)
    others = moved_and_shuffled(cells)
    mask = cells > 0
    gaps = np.where(cells % 2 == 0, cells * 3, 0).astype(np.int32)
    size = f"{cells.shape[0]:,} x {cells.shape[1]:,} pixels, {cells.max():,} cells, {os.cpu_count()} cores"

    compare(
        f"Overlap matrix, two maps of {size}",
        {
            "label_maps.overlap_matrix": lambda: label_maps.overlap_matrix(cells, others),
            "numpy.unique of combined keys": lambda: unique_keys(cells, others),
            "scipy.sparse.coo_array of pixels": lambda: sparse_pixels(cells, others),
        },
        repeats,
    )
    compare(
        f"Connected components of a mask, {size}",
        {
            "label_maps.connected_components": lambda: label_maps.connected_components(mask),
            "scipy.ndimage.label": lambda: ndimage.label(mask, np.ones((3, 3))),
            "skimage.measure.label": lambda: measure.label(mask, connectivity=2),
        },
        repeats,
    )
    compare(
        f"Connected components of each object, {size}",
        {
            "label_maps.connected_components": lambda: label_maps.connected_components(cells),
            "scipy.ndimage.label, one id at a time": lambda: components_of_each_id(cells),
            "skimage.measure.label": lambda: measure.label(cells, connectivity=2),
        },
        repeats,
    )
    compare(
        f"Renumbering, every second id missing, {size}",
        {
            "label_maps.relabel": lambda: label_maps.relabel(gaps),
            "skimage.segmentation.relabel_sequential": lambda: segmentation.relabel_sequential(gaps),
        },
        repeats,
    )
    compare(
        f"Touching pairs, {size}",
        {
            "label_maps.touching_pairs": lambda: label_maps.touching_pairs(cells),
            "cc3d.region_graph": lambda: cc3d.region_graph(cells, connectivity=8),
            "numpy.unique of rolled copies": lambda: pairs_by_rolling(cells),
        },
        repeats,
    )
    compare(
        f"Boundaries, {size}",
        {
            "label_maps.boundaries": lambda: label_maps.boundaries(cells),
            "skimage.segmentation.find_boundaries": lambda: segmentation.find_boundaries(cells, mode="inner"),
        },
        repeats,
    )


if __name__ == "__main__":
    main()
