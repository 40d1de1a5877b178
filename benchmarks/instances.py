"""Decodings compared with other libraries, and at several sizes: `python benchmarks/instances.py`."""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from cells import TILE, packed_cells
from harness import compare
from monai.apps.pathology.transforms import GenerateWatershedMarkers, GenerateWatershedMask, Watershed
from scipy import ndimage
from skimage import feature, measure, morphology, segmentation

from cellseg_monai import instances
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.transforms import boundary_target, foreground_distance_target

Maps = np.ndarray
SEED_HEIGHT = 0.25
NOISE = 0.03
MIN_SIZE = 16
TIDYING = instances.Tidying(min_size=MIN_SIZE)


def blurred(maps: Maps, noise: float) -> Maps:
    """Perfect maps made similar to those of a network: soft, with noise two pixels wide."""
    error = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((TILE, TILE)), 1).astype(
        np.float32
    )
    error = np.tile(noise * error / error.std(), [side // TILE + 1 for side in maps.shape[1:]])
    error = error[: maps.shape[1], : maps.shape[2]]
    return np.stack([ndimage.gaussian_filter(np.float32(channel), 1) + error for channel in maps])


def distance_maps(cells: LabelMap, noise: float) -> Maps:
    """Maps of foreground and distance."""
    return blurred(foreground_distance_target(cells[None]), noise)


def boundary_maps(cells: LabelMap, noise: float) -> Maps:
    """Maps of interior and boundary."""
    target = boundary_target(cells[None])[0]
    return blurred(np.stack([target == 1, target == 2]), noise)


def h_maxima_watershed(maps: Maps) -> LabelMap:
    """Find seeds with skimage.morphology.h_maxima and flood with skimage.segmentation.watershed."""
    foreground = maps[0] > 0.5
    seeds = measure.label(morphology.h_maxima(np.where(foreground, maps[1], 0), SEED_HEIGHT), connectivity=2)
    cells = segmentation.watershed(-maps[1], seeds, mask=foreground, connectivity=2)
    return morphology.remove_small_objects(cells, max_size=MIN_SIZE - 1)


def peak_watershed(maps: Maps) -> LabelMap:
    """Find seeds with skimage.feature.peak_local_max and flood with skimage.segmentation.watershed."""
    foreground = maps[0] > 0.5
    peaks = feature.peak_local_max(maps[1], min_distance=5, labels=foreground.astype(np.int32))
    seeds = np.zeros(foreground.shape, np.int32)
    seeds[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    cells = segmentation.watershed(-maps[1], seeds, mask=foreground, connectivity=2)
    return morphology.remove_small_objects(cells, max_size=MIN_SIZE - 1)


def monai_watershed(maps: Maps) -> LabelMap:
    """Decode with MONAI's transforms for pathology, and the distance as the border map."""
    mask = GenerateWatershedMask(activation=lambda values: values, threshold=0.5, min_object_size=MIN_SIZE)(
        maps[:1]
    )
    markers = GenerateWatershedMarkers(threshold=0.5, min_object_size=0)(mask, 1 - maps[1:])
    return Watershed(connectivity=2)(-maps[1:], mask, markers)[0]


def labelled_interiors(maps: Maps) -> LabelMap:
    """Decode with scikit-image: label interiors, remove small ones, expand the others into the boundary."""
    seeds = measure.label(maps[0] > 0.5, connectivity=2)
    cells = segmentation.watershed(-maps[0], seeds, mask=maps.sum(axis=0) > 0.5, connectivity=2)
    return morphology.remove_small_objects(cells, max_size=MIN_SIZE - 1)


def labelled_foreground(maps: Maps) -> LabelMap:
    """Decode with scikit-image: label and remove_small_objects."""
    cells = measure.label(maps[0] > 0.5, connectivity=2)
    return morphology.remove_small_objects(cells, max_size=MIN_SIZE - 1)


DECODINGS: dict[str, tuple[Callable[[Maps], Any], Callable[[LabelMap, float], Maps]]] = {
    "components": (lambda maps: instances.components(maps[0], TIDYING), distance_maps),
    "watershed_from_distance": (
        lambda maps: instances.watershed_from_distance(*maps, seed_height=SEED_HEIGHT, tidying=TIDYING),
        distance_maps,
    ),
    "regrown_interiors": (
        lambda maps: instances.regrown_interiors(*maps, tidying=TIDYING),
        boundary_maps,
    ),
}
PEERS: dict[str, dict[str, Callable[[Maps], Any]]] = {
    "components": {"skimage label + remove_small_objects": labelled_foreground},
    "watershed_from_distance": {
        "skimage h_maxima + watershed": h_maxima_watershed,
        "skimage peak_local_max + watershed": peak_watershed,
        "MONAI pathology mask, markers, watershed": monai_watershed,
    },
    "regrown_interiors": {"skimage label + watershed": labelled_interiors},
}


def peers(tiles: int, repeats: int) -> None:
    """Print one table for each decoding, on one image."""
    cells = packed_cells(tiles)
    size = f"{cells.shape[0]:,} x {cells.shape[1]:,} pixels, {cells.max():,} cells, {os.cpu_count()} cores"
    for name, (decode, make) in DECODINGS.items():
        maps = make(cells, NOISE)
        calls = {f"instances.{name}": decode, **PEERS[name]}
        compare(f"{name}, {size}", {key: partial(call, maps) for key, call in calls.items()}, repeats)


def growth(largest: int, repeats: int) -> None:
    """Print the time per megapixel of each decoding for images of many sizes and many numbers of cells."""
    images: dict[str, Callable[[], LabelMap]] = {
        f"{tiles**2:>3} tiles of {TILE}²": partial(packed_cells, tiles)
        for tiles in (1, 2, 4, 8, 10)
        if tiles <= largest
    }
    side = largest * TILE
    for across in (10, 50, 150, 450):
        if side / across >= 8:
            images[f"{across**2:>7,} cells"] = partial(spread_cells, side, across)
    images["empty"] = partial(np.zeros, (side, side), np.int32)
    rows = [(title, make_cells, 0.0) for title, make_cells in images.items()]
    rows += [
        (f"noise of {noise}", partial(packed_cells, min(largest, 4)), noise) for noise in (0.01, 0.03, 0.1)
    ]
    print(
        f"\nMilliseconds per megapixel; median of {repeats}\n{'':18}" + "".join(f"{n:>25}" for n in DECODINGS)
    )
    for title, make_cells, noise in rows:
        cells = make_cells()
        taken = []
        for decode, make in DECODINGS.values():
            maps = make(cells, noise)
            taken.append(milliseconds_a_megapixel(partial(decode, maps), cells.size, repeats))
        print(f"{title:18}" + "".join(f"{milliseconds:25.1f}" for milliseconds in taken), flush=True)


def spread_cells(side: int, across: int) -> LabelMap:
    """Square cells in a grid that cover half of the image, whatever their number."""
    y, x = np.indices((side, 1))[0], np.indices((1, side))[1]
    pitch = side / across
    row, column = (y / pitch).astype(np.int32), (x / pitch).astype(np.int32)
    inside = (y % pitch < 0.71 * pitch) & (x % pitch < 0.71 * pitch)
    return np.where(inside, row * across + column + 1, 0).astype(np.int32)


def milliseconds_a_megapixel(call: Callable[[], Any], pixels: int, repeats: int) -> float:
    """Median processor time, which other processes do not affect, after one untimed call."""
    call()
    times = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return median(times) * 1e9 / pixels


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 4 megapixels instead of 100")
    quick = parser.parse_args().quick
    peers(tiles=1 if quick else 2, repeats=3)
    growth(largest=2 if quick else 10, repeats=3)


if __name__ == "__main__":
    main()
