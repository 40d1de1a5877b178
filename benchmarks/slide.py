"""Segment a slide, kill the run and resume it: `python benchmarks/slide.py [--side 4000]`.

The slide is a patchwork of synthetic images of nuclei, rotated at random, with exact truth. The script runs
the commands of a user, with a network that needs no training: it thresholds a smoothed image. The cells that
it finds on the single patches are the reference for the cells on the slide.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tifffile
import torch

REPOSITORY = Path(__file__).resolve().parents[1]
BUNDLE = "patch_attention_unet"
PATCH = 1000


class Smoothed(torch.nn.Module):
    """Network that predicts cell where the mean of 5 by 5 pixels is bright."""

    def __init__(self, threshold: float = 0.4) -> None:
        super().__init__()
        self.threshold = threshold
        self.weight = torch.nn.Parameter(torch.full((1, 1, 5, 5), 1 / 25))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of the foreground."""
        padded = torch.nn.functional.pad(images, (2, 2, 2, 2), mode="replicate")
        return 20 * (torch.nn.functional.conv2d(padded, self.weight) - self.threshold)


class Patchwork:
    """A slide that is never in memory: a grid of patches, each flipped or rotated in one of eight ways."""

    def __init__(self, patches: list[np.ndarray], side: int) -> None:
        across = -(-side // PATCH)
        self.patches = patches
        self.shape, self.dtype = (across * PATCH,) * 2, patches[0].dtype
        draws = random.Random(0)
        self.chosen = [[(draws.randrange(len(patches)), draws.randrange(8)) for _ in range(across)]
                       for _ in range(across)]  # fmt: skip

    def __getitem__(self, box: tuple[slice, slice]) -> np.ndarray:
        part = np.empty([edge.stop - edge.start for edge in box], self.dtype)
        rows, columns = (range(edge.start // PATCH, (edge.stop - 1) // PATCH + 1) for edge in box)
        for row in rows:
            for column in columns:
                number, turn = self.chosen[row][column]
                patch = np.rot90(self.patches[number], turn % 4)
                patch = patch.T if turn > 3 else patch
                pairs = list(zip(box, (row * PATCH, column * PATCH), strict=True))
                source = tuple(slice(max(e.start - at, 0), min(e.stop - at, PATCH)) for e, at in pairs)
                place = tuple(
                    slice(max(at - e.start, 0), min(at + PATCH, e.stop) - e.start) for e, at in pairs
                )
                part[place] = patch[source]
        return part

    def count(self, cells: list[int]) -> int:
        """Number of cells on the slide, from the numbers of its patches."""
        return sum(cells[number] for row in self.chosen for number, _ in row)


def nuclei(seed: int) -> tuple[np.ndarray, int]:
    """Make a 16-bit patch without nuclei at the edge, where the next patch would cut them; count them."""
    from cellseg_monai.data import synthesize

    made = synthesize("nuclei", (PATCH, PATCH), density=0.1, diameter=22, seed=seed)
    image, labels = np.squeeze(made.image), made.label
    rim = np.ones(labels.shape, bool)
    rim[8:-8, 8:-8] = False
    cut = np.unique(labels[rim])
    ground = labels == 0
    ground[rim] = False
    around = torch.nn.functional.max_pool2d(
        torch.as_tensor(np.isin(labels, cut[cut > 0]))[None].float(), 31, 1, 15
    )[0].numpy() > 0  # fmt: skip
    image = image.copy()
    image[around & (np.isin(labels, cut) | (labels == 0))] = np.median(image[ground])
    return image, len(np.unique(labels)) - 1 - np.count_nonzero(cut)


def command(bundle: Path, configs: list[str], images: Path, result: Path, **options: Any) -> list[str]:
    """Command of a user."""
    files = [f"configs/{name}.json" for name in (*configs, "choices")]
    words = {
        "config_file": str(files),
        "dataset_dir": images,
        "output_dir": result,
        "network_def": "{'_target_': 'slide.Smoothed'}",
        "weights": "$None",  # MONAI ignores a plain None
        "target": "%targets#foreground",
        "decoding": "%decodings#foreground",
        **options,
    }
    flat = [str(word) for name, value in words.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "monai.bundle", "run", *flat]


def run(words: list[str], folder: Path, kill_if: Any = None) -> tuple[float, float, bool]:
    """Run a command; return its seconds, peak memory of all processes in GiB, and whether it was killed."""
    paths = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "benchmarks")])
    began, peak = time.perf_counter(), 0.0
    with (folder / "log").open("a") as log:
        process = subprocess.Popen(
            words, cwd=folder / BUNDLE, env=os.environ | {"PYTHONPATH": paths}, stdout=log, stderr=log
        )
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            if kill_if is not None and kill_if():
                process.kill()
                process.wait()
                return time.perf_counter() - began, peak, True
            time.sleep(0.1)
    if process.returncode:
        raise RuntimeError((folder / "log").read_text()[-3000:])
    return time.perf_counter() - began, peak, False


def _resident(process: int) -> float:
    """Peak memory of a process and all its children in GiB."""
    try:
        status = Path(f"/proc/{process}/status").read_text().splitlines()
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    own = [int(line.split()[1]) / 2**20 for line in status if line.startswith("VmHWM")]
    return sum(own) + sum(_resident(int(child)) for child in children)


def rendered(folder: Path) -> Path:
    """Make a bundle from the current sources."""
    from cellseg_monai.bundling import render_bundles

    for name in ("_base", BUNDLE):
        shutil.copytree(REPOSITORY / "bundles" / name, folder / name)
    render_bundles(folder / BUNDLE)
    return folder / BUNDLE


def main() -> None:
    """Make the slide, segment it, kill the run, resume it and compare."""
    from cellseg_monai.export import write_tiled_tiff

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=30_000)
    parser.add_argument("--tile", type=int, default=2048)
    parser.add_argument("--ending", default=".tif", choices=[".tif", ".ome.zarr"])
    parser.add_argument(
        "--folder", help="folder for the files, about 7 bytes per pixel (default: a temporary folder)"
    )
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    bundle = rendered(folder)
    patches, truth = zip(*map(nuclei, range(8)), strict=True)
    slide = Patchwork(list(patches), options.side)
    megapixels = slide.shape[0] * slide.shape[1] / 1e6
    (folder / "patches").mkdir()
    for number, patch in enumerate(patches):
        tifffile.imwrite(folder / f"patches/{number}.tif", patch)
    (folder / "slides").mkdir()
    began = time.perf_counter()
    write_tiled_tiff(folder / "slides/slide.tif", slide)
    print(f"{megapixels:,.0f} megapixels written in {time.perf_counter() - began:.0f} s", flush=True)

    run(command(bundle, ["inference"], folder / "patches", folder / "small"), folder)
    small = [int(tifffile.imread(folder / f"small/labels/{number}.tif").max()) for number in range(8)]

    tiles = (-(-slide.shape[0] // options.tile)) ** 2
    done = lambda: len(list((folder / "large/unfinished").glob("*/tiles/*/*.npy")))  # noqa: E731
    words = command(
        bundle, ["inference", "inference_large"], folder / "slides", folder / "large",
        tile=options.tile, output_ext=options.ending,
    )  # fmt: skip
    first, first_peak, killed = run(words, folder, lambda: done() >= tiles / 2)
    at_kill = done()
    second, second_peak, _ = run(words, folder)
    note = next((folder / "large/unfinished").glob("*.json"))
    found = pd.read_json(note, typ="series")["cells"]
    stages = pd.read_csv(folder / "large/timing.csv").iloc[0, 1:].astype(float)
    expected, real = slide.count(small), slide.count(list(truth))
    print(
        f"killed: {killed}, with {at_kill} of {tiles} tiles done, after {first:.0f} s; "
        f"resumed: {second:.0f} s"
    )
    print(f"peak memory, all processes: {max(first_peak, second_peak):.2f} GiB")
    each = ", ".join(f"{stage} {1e3 * seconds / megapixels:.0f}" for stage, seconds in stages.items())
    print(f"milliseconds per megapixel: {each}; in total {1e3 * (first + second) / megapixels:.0f}")
    print(
        f"cells: truth {real:,}; found on the slide {found:,}, {found / real:.2%}; on the patches, as "
        f"single images, {expected:,}, {expected / real:.2%}"
    )
    told = [line for line in (folder / "log").read_text().splitlines() if "done already" in line]
    print("\n".join(told))
    if abs(found - expected) > 0.005 * real or not killed:
        sys.exit("the slide and the patches differ, or the run was not killed")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
