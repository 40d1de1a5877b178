"""Compare two decodings: the watershed of the distance, and Cellpose's dynamics.

    python benchmarks/peers/decodings.py

Both get perfect maps of the same cells. The first call makes the environment of Cellpose.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

import numpy as np
from environment import CACHE, HERE, environment_of, python_of

from cellseg_monai.instances import Tidying, watershed_from_distance
from cellseg_monai.label_maps import LabelMap
from cellseg_monai.transforms import foreground_distance_target

sys.path.append(str(HERE.parent))

from cells import packed_cells
from instances import milliseconds_a_megapixel

MIN_SIZE = 15
IMAGES = ((1, 10), (1, 28), (1, 100), (2, 28))
"""Tiles per side, and cells across a tile."""


def ours(tile: LabelMap, tiles: int, repeats: int) -> tuple[float, int]:
    """Milliseconds per megapixel of our decoding, and cells found."""
    maps = np.tile(np.float32(foreground_distance_target(tile[None])), (1, tiles, tiles))

    def decode() -> LabelMap:
        return watershed_from_distance(*maps, tidying=Tidying(min_size=MIN_SIZE))

    return milliseconds_a_megapixel(decode, maps[0].size, repeats), int(decode().max())


def cellpose(tile: LabelMap, tiles: int, repeats: int, threads: int, cache: Path) -> tuple[float, int]:
    """Milliseconds per megapixel of Cellpose, and cells found."""
    with tempfile.TemporaryDirectory() as folder:
        labels, job = Path(folder, "labels.npy"), Path(folder, "job.json")
        np.save(labels, tile)
        settings = {"tiles": tiles, "repeats": repeats, "threads": threads, "min_size": MIN_SIZE}
        job.write_text(json.dumps({"labels": str(labels), **settings}))
        words = [str(python_of("cellpose", cache)), str(HERE / "cellpose_dynamics.py"), str(job)]
        done = subprocess.run(words, env=environment_of(threads), stdout=subprocess.PIPE, check=True)
    told = json.loads(done.stdout.splitlines()[-1])
    return median(told["seconds"]) * 1e9 / (tile.size * tiles**2), told["cells"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="threads of Cellpose; ours uses one")
    parser.add_argument(
        "--cache", type=Path, default=CACHE, help="folder of the environments of the other tools"
    )
    options = parser.parse_args()
    print(
        "| image | cells | ours, ms per megapixel | found | Cellpose, ms per megapixel | found | ratio |\n"
        "|---|---|---|---|---|---|---|"
    )
    for tiles, across in IMAGES:
        tile = packed_cells(1, across)
        fast, found = ours(tile, tiles, options.repeats)
        slow, found_too = cellpose(tile, tiles, options.repeats, options.threads, options.cache)
        side, cells = len(tile) * tiles, int(tile.max()) * tiles**2
        print(
            f"| {side:,}² | {cells:,} | {fast:.0f} | {found:,} | {slow:.0f} | {found_too:,} | "
            f"{slow / fast:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
