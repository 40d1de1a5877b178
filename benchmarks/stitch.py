"""Decode and stitch tiles, up to a slide: `python benchmarks/stitch.py [--quick | --slide]`.

All calls in a table process the same number of pixels, so the ratio is that of the times per megapixel.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
import zarr
from harness import compare

from cellseg_monai.instances import Stitcher, components, tile_grid

TILE, HALO, SIDE = 1024, 32, 1000


def probability_of(cells: int, side: int = SIDE) -> np.ndarray:
    """Make a square of at least this many separate discs on a grid; some lie on every seam."""
    across = int(np.ceil(np.sqrt(cells)))
    offsets = (np.arange(side) * across / side) % 1 - 0.5
    near = offsets**2
    return (near[:, None] + near < min(0.4, 15 * across / side) ** 2).astype(np.float32)


def whole(image: np.ndarray) -> int:
    """Decode the image as a whole."""
    return int(components(image).max())


def tiled(image: np.ndarray, target: np.ndarray, folder: Path | None = None) -> int:
    """Decode the image in tiles, stitch them, and write the cells to an existing array."""
    stitcher = Stitcher(tile_grid(image.shape, TILE, HALO), folder)
    for number in stitcher.missing:
        stitcher.add(number, components(image[stitcher.tiles[number].window]))
    return stitcher.write(target)


def on_disk(image: np.ndarray) -> int:
    """Do the same with tiles and labels in a temporary folder."""
    with scratch() as folder:
        labels = np.memmap(folder / "labels", np.int32, "w+", shape=image.shape)
        return tiled(image, labels, folder / "tiles")


@contextmanager
def scratch() -> Iterator[Path]:
    """Run a function with a temporary folder."""
    folder = Path(tempfile.mkdtemp())
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def slide(side: int = 30_000, tile: int = 2048) -> None:
    """Make, decode and stitch a slide tile by tile into a Zarr array, and print time and peak memory."""
    pattern = probability_of(400, tile)
    with scratch() as folder:
        target = zarr.create_array(
            folder / "labels.zarr", shape=(side,) * 2, chunks=(tile,) * 2, dtype=np.int32
        )
        stitcher = Stitcher(tile_grid(target.shape, tile, 64), folder / "tiles")
        start = time.perf_counter()
        for number in stitcher.missing:
            rows, columns = (
                np.arange(part.start, part.stop) % tile for part in stitcher.tiles[number].window
            )
            stitcher.add(number, components(pattern[np.ix_(rows, columns)]))
        decoded = time.perf_counter()
        cells = stitcher.join()
        joined = time.perf_counter()
        stitcher.write(target)
        written = time.perf_counter()
        kept = sum(path.stat().st_size for path in (folder / "tiles").iterdir()) / 2**30
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) / 2**20 for line in status if line.startswith("VmHWM"))
    print(
        f"\n{side:,} x {side:,} pixels, {cells:,} cells, tiles of {tile:,}, {os.cpu_count()} cores: "
        f"decode {decoded - start:.0f} s, join {joined - decoded:.0f} s, write {written - joined:.0f} s; "
        f"{kept:.2f} GiB of tiles on disk; peak memory, with imports: {peak:.2f} GiB"
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="9 megapixels instead of 100")
    parser.add_argument("--slide", action="store_true", help="only a slide of 30,000 x 30,000 pixels")
    options = parser.parse_args()
    if options.slide:
        slide()
        return
    across, repeats = (3, 3) if options.quick else (10, 5)
    megapixels = across**2
    large = probability_of(2000 * megapixels, SIDE * across)
    target = np.full(large.shape, 1, np.int32)
    corners = [(row * SIDE, column * SIDE) for row in range(across) for column in range(across)]
    parts = [tuple(slice(start, start + SIDE) for start in corner) for corner in corners]
    small = [large[part].copy() for part in parts]
    targets = [target[part].copy() for part in parts]

    compare(
        f"Components in tiles of {TILE}, {megapixels} megapixels of 2,000 cells, {os.cpu_count()} cores",
        {
            f"{megapixels} images of 1 megapixel": lambda: list(map(tiled, small, targets)),
            f"one image of {megapixels} megapixels": lambda: tiled(large, target),
            f"one image of {megapixels} megapixels, tiles and labels on disk": lambda: on_disk(large),
            f"not tiled, {megapixels} images of 1 megapixel": lambda: list(map(whole, small)),
            f"not tiled, one image of {megapixels} megapixels": lambda: whole(large),
        },
        repeats,
    )
    counts = [count * megapixels // 100 for count in (100, 2000, 20_000, 200_000)]
    images = {count: probability_of(count, SIDE * across) for count in counts}
    compare(
        f"Components in tiles of {TILE}, one image of {megapixels} megapixels",
        {f"{count:,} cells": partial(tiled, image, target) for count, image in images.items()},
        repeats,
    )


if __name__ == "__main__":
    main()
